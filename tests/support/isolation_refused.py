"""Fleet files with several gateways that are refused before any config is read, with the message of each."""

from __future__ import annotations

REFUSED = {
    "two gateways on one base port": (
        "profiles: {main: {}, rescue: {port: 18789}}",
        "18789: gateway of main and gateway of rescue",
    ),
    "a base port on another one's browser control": (
        "profiles: {main: {}, rescue: {port: 18791}}",
        "18791: browser control of main and gateway of rescue",
    ),
    "a base port on another one's Chrome": (
        "profiles: {main: {}, rescue: {port: 18800}}",
        "18800: cdp openclaw of main and gateway of rescue",
    ),
    "browser control on another one's Chrome": (
        "profiles: {main: {}, rescue: {port: 18798}}",
        "18800: cdp openclaw of main and browser control of rescue",
    ),
    "so many browsers that they reach the next gateway": (
        "{spacing: 20, profiles: {main: {browser: {profiles: {a: , b: , c: , d: , e: , f: , g: , h: , i: }}}, "
        "rescue: {port: 18809}}}",
        "18809: cdp i of main and gateway of rescue",
    ),
    "a spacing below the documented minimum": ("{spacing: 19, profiles: {main: }}", "spacing: must be"),
    "a base port whose CDP range falls back to another's": ("{base_port: 65426, profiles: {main: }}", "base_port: must"),
    "a profile's port whose CDP range falls back": (
        "profiles: {main: {port: 65500}}",
        "profiles.main.port: must be",
    ),
    "a privileged base port": ("profiles: {main: {port: 80}}", "profiles.main.port: must be"),
    "the same remote Chrome in two gateways": (
        "profiles: {main: {browser: {profiles: {a: {cdp_url: 'http://chrome.example:9222'}}}}, "
        "rescue: {browser: {profiles: {b: {cdp_url: 'http://chrome.example:9222'}}}}}",
        "profiles.rescue.browser.profiles.b.cdp_url: is the same Chrome as profiles.main.browser.profiles.a.cdp_url",
    ),
    "the same remote Chrome by its WebSocket": (
        "profiles: {main: {browser: {profiles: {a: {cdp_url: 'http://chrome.example:9222/'}}}}, "
        "rescue: {browser: {profiles: {b: {cdp_url: 'ws://chrome.example:9222/devtools/browser/1'}}}}}",
        "profiles.rescue.browser.profiles.b.cdp_url: is the same Chrome",
    ),
    "the same remote Chrome in other letters and by its default port": (
        "profiles: {main: {browser: {profiles: {a: {cdp_url: 'http://Chrome.lan'}}}}, "
        "rescue: {browser: {profiles: {b: {cdp_url: 'http://chrome.lan:80'}}}}}",
        "profiles.rescue.browser.profiles.b.cdp_url: is the same Chrome",
    ),
    "a remote Chrome on loopback": (
        "profiles: {main: {browser: {profiles: {a: {cdp_url: 'http://127.0.0.1:9222'}}}}}",
        "profiles.main.browser.profiles.a.cdp_url: 127.0.0.1 is the container itself",
    ),
    "a remote Chrome on localhost": (
        "profiles: {main: {browser: {profiles: {a: {cdp_url: 'ws://localhost:9222'}}}}}",
        "profiles.main.browser.profiles.a.cdp_url: localhost is the container itself",
    ),
    "a remote Chrome on loopback of IPv6": (
        "profiles: {main: {browser: {profiles: {a: {cdp_url: 'http://[::1]:9222'}}}}}",
        "profiles.main.browser.profiles.a.cdp_url: ::1 is the container itself",
    ),
    "a config path of one's own": (
        "profiles: {main: {environment: {IDLEHANDS_CONFIG_PATH: /tmp/x.json}}}",
        "profiles.main.environment.IDLEHANDS_CONFIG_PATH: is set from the mount profiles/main/state",
    ),
    "a state directory of one's own": (
        "profiles: {main: {environment: {IDLEHANDS_STATE_DIR: /tmp/x}}}",
        "profiles.main.environment.IDLEHANDS_STATE_DIR: is set from the mount profiles/main/state",
    ),
    "the state directory by the package's own name": (
        "profiles: {main: {environment: {OPENCLAW_STATE_DIR: /tmp/x}}}",
        "profiles.main.environment.OPENCLAW_STATE_DIR: is set from",
    ),
    "a workspace of one's own": (
        "profiles: {main: {environment: {IDLEHANDS_WORKSPACE_DIR: /tmp/x}}}",
        "profiles.main.environment.IDLEHANDS_WORKSPACE_DIR: is set from the mount profiles/main/workspace",
    ),
    "a port in the environment": (
        "profiles: {main: {}, rescue: {environment: {IDLEHANDS_GATEWAY_PORT: '18789'}}}",
        "profiles.rescue.environment.IDLEHANDS_GATEWAY_PORT: is set from profiles.rescue.port",
    ),
    "a remote Chrome on loopback by a short address": (
        "profiles: {main: {browser: {profiles: {a: {cdp_url: 'http://127.1:9222'}}}}}",
        "profiles.main.browser.profiles.a.cdp_url: 127.1 is the container itself",
    ),
    "a remote Chrome on loopback of IPv4 in IPv6": (
        "profiles: {main: {browser: {profiles: {a: {cdp_url: 'http://[::ffff:127.0.0.1]:9222'}}}}}",
        "profiles.main.browser.profiles.a.cdp_url: ::ffff:127.0.0.1 is the container itself",
    ),
    "a remote Chrome on localhost with the root's dot": (
        "profiles: {main: {browser: {profiles: {a: {cdp_url: 'http://localhost.:9222'}}}}}",
        "profiles.main.browser.profiles.a.cdp_url: localhost. is the container itself",
    ),
    "a home of one's own": (
        "profiles: {main: {environment: {HOME: /tmp/x}}}",
        "profiles.main.environment.HOME: is the container's home",
    ),
    "a home of the gateway's own": (
        "profiles: {main: {environment: {OPENCLAW_HOME: /tmp/x}}}",
        "profiles.main.environment.OPENCLAW_HOME: is the container's home",
    ),
    "a native profile's name": (
        "profiles: {main: {environment: {IDLEHANDS_PROFILE: rescue}}}",
        "profiles.main.environment.IDLEHANDS_PROFILE: would select another state",
    ),
    "another gateway's address": (
        "profiles: {main: {environment: {OPENCLAW_GATEWAY_URL: 'ws://127.0.0.1:19789'}}}",
        "profiles.main.environment.OPENCLAW_GATEWAY_URL: would make the commands of `exec` use another gateway",
    ),
    "no browser control": (
        "profiles: {main: {environment: {IDLEHANDS_EAGER_BROWSER_CONTROL_SERVER: '0'}}}",
        "profiles.main.environment.IDLEHANDS_EAGER_BROWSER_CONTROL_SERVER: is set",
    ),
    "a secret in the place of a mount": (
        "profiles: {main: {secrets: [IDLEHANDS_STATE_DIR]}}",
        "profiles.main.secrets.0: is created by this tool",
    ),
    "a token in the environment": (
        "profiles: {main: {environment: {IDLEHANDS_GATEWAY_TOKEN: x}}}",
        "profiles.main.environment.IDLEHANDS_GATEWAY_TOKEN: is set from the file secrets/main",
    ),
}  # fmt: skip
