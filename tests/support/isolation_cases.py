"""Several gateways on one host, set up wrong and right, as small pairs of fleet file and config."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from idlehands_deploy.gateway.config import read_config
from idlehands_deploy.isolation.claims import Native

if TYPE_CHECKING:
    from collections.abc import Mapping

MAIN = "profiles/main/state/idlehands.json"
RESCUE = "profiles/rescue/state/idlehands.json"
PAIR = "profiles: {main: {}, rescue: {port: 19789}}"
WORK = "profiles: {main: {}, rescue: {port: 19789, browser: {profiles: {work: }}}}"
OFFICE = (
    "profiles: {main: {browser: {profiles: {office: {cdp_url: 'http://chrome.example:9222'}}}}, rescue: {port: 19789}}"
)


class Case(NamedTuple):
    """A set-up, and the places that its findings must name, in any order.

    TOKEN stands for main's token. A profile gets those of the secrets that it lists.
    """

    name: str
    fleet: str
    main: str | None = None
    rescue: str | None = None
    natives: tuple[Native, ...] = ()
    links: Mapping[str, str] = {}
    files: Mapping[str, str] = {}
    secrets: Mapping[str, str] = {}
    places: tuple[str, ...] = ()
    with_mode: bool = True

    def __str__(self) -> str:
        return self.name


def native(base: int = 18789, place: str = "~/.openclaw", config: str | None = None, **more: Path) -> Native:
    state = more.get("state", Path("/home/me") / place.removeprefix("~/"))
    return Native(
        place,
        base,
        f"{place}/openclaw.json:gateway.port",
        state,
        more.get("workspace", state / "workspace"),
        read_config(state, f"{place}/openclaw.json", lambda _: config, mounts={}, environ={}),
    )


WRONG = [
    # ports
    Case("the port of another gateway", PAIR, rescue="{gateway: {port: 18789}}", places=(f"{RESCUE}:gateway.port",)),
    Case("a port beside the plan", PAIR, main="{gateway: {port: 20000}}", places=(f"{MAIN}:gateway.port",)),
    Case("both configs with the same port", PAIR, "{gateway: {port: 20000}}", "{gateway: {port: 20000}}",
         places=(f"{RESCUE}:gateway.port", f"{MAIN}:gateway.port")),
    Case("another gateway's browser control as port", PAIR, "{gateway: {port: 19791}}", places=(f"{MAIN}:gateway.port",)),
    Case("a port that is text", PAIR, main='{gateway: {port: "18789"}}', places=(f"{MAIN}:gateway.port",)),
    Case("a port that is too high", PAIR, main="{gateway: {port: 70000}}", places=(f"{MAIN}:gateway.port",)),
    Case("a port in a file that the config includes", PAIR, main='{gateway: {$include: "./g.json5"}}',
         files={"g.json5": "{port: 19789}"}, places=(f"{MAIN}:gateway.port",)),
    # bind and TLS
    Case("loopback in a container", PAIR, main="{gateway: {bind: 'loopback'}}", places=(f"{MAIN}:gateway.bind",)),
    Case("tailnet in a container", PAIR, main="{gateway: {bind: 'tailnet'}}", places=(f"{MAIN}:gateway.bind",)),
    Case("an address in the place of a bind mode", PAIR, main="{gateway: {bind: '127.0.0.1'}}",
         places=(f"{MAIN}:gateway.bind",)),
    Case("a custom address that the container lacks", PAIR, rescue="{gateway: {bind: 'custom', customBindHost: '10.0.0.5'}}",
         places=(f"{RESCUE}:gateway.customBindHost",)),
    Case("Tailscale, which binds to loopback", PAIR, main="{gateway: {tailscale: {mode: 'serve'}}}",
         places=(f"{MAIN}:gateway.tailscale.mode",)),
    Case("TLS, which the probes do not use", PAIR, main="{gateway: {tls: {enabled: true}}}",
         places=(f"{MAIN}:gateway.tls.enabled",)),
    Case("no mode, with which a gateway does not start", PAIR, main="{}", places=(f"{MAIN}:gateway.mode",), with_mode=False),
    Case("a gateway that is remote", PAIR, main="{gateway: {mode: 'remote'}}", places=(f"{MAIN}:gateway.mode",)),
    # authentication
    Case("another token than the secret's", PAIR, main="{gateway: {auth: {token: 'another'}}}",
         places=(f"{MAIN}:gateway.auth.token",)),
    Case("the token of another profile", PAIR, rescue="{gateway: {auth: {token: 'TOKEN'}}}",
         places=(f"{RESCUE}:gateway.auth.token",)),
    Case("a password in the place of the token", PAIR, main="{gateway: {auth: {mode: 'password'}}}",
         places=(f"{MAIN}:gateway.auth.mode",)),
    Case("a password without a mode", PAIR, main="{gateway: {auth: {password: 'x'}}}", places=(f"{MAIN}:gateway.auth.mode",)),
    Case("no authentication", PAIR, main="{gateway: {auth: {mode: 'none'}}}", places=(f"{MAIN}:gateway.auth.mode",)),
    # browsers of the gateway's own
    Case("the Chrome port of another gateway", WORK, rescue="{browser: {profiles: {work: {cdpPort: 18800}}}}",
         places=(f"{RESCUE}:browser.profiles.work.cdpPort",)),
    Case("a Chrome port beside the plan", WORK, rescue="{browser: {profiles: {work: {cdpPort: 20000}}}}",
         places=(f"{RESCUE}:browser.profiles.work.cdpPort",)),
    Case("the implicit browser beside the plan", PAIR, main="{browser: {profiles: {openclaw: {cdpPort: 18805}}}}",
         places=(f"{MAIN}:browser.profiles.openclaw.cdpPort",)),
    Case("the same Chrome port pinned in two configs", PAIR, "{browser: {profiles: {x: {cdpPort: 30000}}}}",
         "{browser: {profiles: {y: {cdpPort: 30000}}}}", places=(f"{RESCUE}:browser.profiles.y.cdpPort",)),
    Case("two browsers of one gateway on one port", PAIR,
         main="{browser: {profiles: {x: {cdpPort: 18805}, y: {cdpPort: 18805}}}}",
         places=(f"{MAIN}:browser.profiles.y.cdpPort",)),
    Case("a browser on the implicit one's port", PAIR, main="{browser: {profiles: {x: {cdpPort: 18800}}}}",
         places=(f"{MAIN}:browser.profiles.x.cdpPort",)),
    Case("a browser on its gateway's own port", PAIR, main="{browser: {profiles: {x: {cdpPort: 18789}}}}",
         places=(f"{MAIN}:browser.profiles.x.cdpPort",)),
    Case("a browser on its gateway's control port", PAIR, rescue="{browser: {profiles: {x: {cdpPort: 19791}}}}",
         places=(f"{RESCUE}:browser.profiles.x.cdpPort",)),
    Case("a browser on the relay's port", PAIR, main="{browser: {profiles: {x: {cdpPort: 18799}}}}",
         places=(f"{MAIN}:browser.profiles.x.cdpPort",)),
    Case("a browser on another gateway's base port", PAIR, main="{browser: {profiles: {x: {cdpPort: 19789}}}}",
         places=(f"{MAIN}:browser.profiles.x.cdpPort",)),
    Case("the old driver's name on another gateway's port", PAIR,
         main="{browser: {profiles: {x: {driver: 'clawd', cdpPort: 19789}}}}",
         places=(f"{MAIN}:browser.profiles.x.cdpPort",)),
    Case("a browser of the fleet file that the config lacks", WORK, rescue="{}",
         places=("fleet.yaml:profiles.rescue.browser.profiles.work",)),
    # browsers elsewhere
    Case("the same cdpUrl pinned in two configs", PAIR, "{browser: {cdpUrl: 'http://chrome.example:9222'}}",
         "{browser: {cdpUrl: 'http://chrome.example:9222'}}", places=(f"{RESCUE}:browser.cdpUrl",)),
    Case("one Chrome as cdpUrl and as a profile", PAIR, "{browser: {cdpUrl: 'http://chrome.example:9222'}}",
         "{browser: {profiles: {x: {cdpUrl: 'ws://chrome.example:9222'}}}}", places=(f"{RESCUE}:browser.profiles.x.cdpUrl",)),
    Case("one Chrome by two of its paths", PAIR, "{browser: {profiles: {x: {cdpUrl: 'http://chrome.example:9222/json/version'}}}}",
         "{browser: {profiles: {x: {cdpUrl: 'ws://chrome.example:9222/devtools/browser/1'}}}}",
         places=(f"{RESCUE}:browser.profiles.x.cdpUrl",)),
    Case("a Chrome of the fleet file in another gateway's config", OFFICE,
         main="{browser: {profiles: {office: {cdpUrl: 'http://chrome.example:9222'}}}}",
         rescue="{browser: {profiles: {mine: {cdpUrl: 'http://chrome.example:9222'}}}}",
         places=(f"{RESCUE}:browser.profiles.mine.cdpUrl",)),
    Case("one service with one key in two gateways", PAIR, "{browser: {cdpUrl: 'wss://chrome.example?token=1'}}",
         "{browser: {cdpUrl: 'wss://chrome.example/?token=1'}}", places=(f"{RESCUE}:browser.cdpUrl",)),
    Case("one Chrome by a variable", "profiles: {main: {environment: {CHROME: chrome.example}}, rescue: {port: 19789}}",
         "{browser: {cdpUrl: 'http://${CHROME}:9222'}}", "{browser: {cdpUrl: 'http://chrome.example:9222'}}",
         places=(f"{RESCUE}:browser.cdpUrl",)),
    Case("a cdpUrl on loopback", PAIR, main="{browser: {cdpUrl: 'http://127.0.0.1:9222'}}", places=(f"{MAIN}:browser.cdpUrl",)),
    Case("a profile's cdpUrl on localhost", PAIR, main="{browser: {profiles: {x: {cdpUrl: 'http://localhost:9222', attachOnly: true}}}}",
         places=(f"{MAIN}:browser.profiles.x.cdpUrl",)),
    Case("a profile's cdpUrl on loopback of IPv6", PAIR, main="{browser: {profiles: {x: {driver: 'existing-session', cdpUrl: 'http://[::1]:9222'}}}}",
         places=(f"{MAIN}:browser.profiles.x.cdpUrl",)),
    Case("a cdpUrl at the other gateway's Chrome by loopback", PAIR, rescue="{browser: {cdpUrl: 'http://127.0.0.1:18800'}}",
         places=(f"{RESCUE}:browser.cdpUrl",)),
    Case("a remote Chrome other than the fleet file's", OFFICE,
         main="{browser: {profiles: {office: {cdpUrl: 'http://other.example:9222'}}}}",
         places=(f"{MAIN}:browser.profiles.office.cdpUrl",)),
    Case("a remote Chrome of the fleet file that the config lacks", OFFICE, main="{}",
         places=("fleet.yaml:profiles.main.browser.profiles.office",)),
    Case("a Chrome on a private network that the config does not allow", PAIR, main="{browser: {cdpUrl: 'http://10.0.0.42:9222'}}",
         places=(f"{MAIN}:browser.cdpUrl",)),
    Case("a Chrome on the local network by its short name", PAIR, main="{browser: {profiles: {x: {cdpUrl: 'http://desk:9222'}}, "
         "ssrfPolicy: {allowedHostnames: ['10.*']}}}", places=(f"{MAIN}:browser.profiles.x.cdpUrl",)),
    Case("a Chrome on this host by a name, which Chrome rejects", PAIR,
         main="{browser: {cdpUrl: 'http://host.docker.internal:9222', ssrfPolicy: {allowedHostnames: ['*.internal']}}}",
         places=(f"{MAIN}:browser.cdpUrl",)),
    # directories
    Case("a workspace off the mounts", PAIR, main="{agents: {defaults: {workspace: '/srv/work'}}}",
         places=(f"{MAIN}:agents.defaults.workspace",)),
    Case("a workspace on a read-only mount", "volumes: ['/srv/data:/data']\nprofiles: {main: {}}",
         main="{agents: {defaults: {workspace: '/data/main'}}}", places=(f"{MAIN}:agents.defaults.workspace",)),
    Case("agents of two gateways in one directory of a mount", "volumes: ['/srv/data:/data:rw']\n" + PAIR,
         "{agents: {defaults: {workspace: '/data/a'}}}", "{agents: {entries: {ops: {workspace: '/data/a/b'}}}}",
         places=(f"{RESCUE}:agents.entries.ops.workspace",)),
    Case("a workspace that climbs out of its mount", PAIR,
         main="{agents: {defaults: {workspace: '~/workspace/../elsewhere'}}}", places=(f"{MAIN}:agents.defaults.workspace",)),
    Case("a workspace whose name only begins like a mount", PAIR,
         main="{agents: {defaults: {workspace: '/home/idlehands-rescue'}}}", places=(f"{MAIN}:agents.defaults.workspace",)),
    Case("an agent's workspace off the mounts", PAIR, rescue="{agents: {entries: {ops: {workspace: '/ops'}}}}",
         places=(f"{RESCUE}:agents.entries.ops.workspace",)),
    Case("an agent's directory off the mounts", PAIR, rescue="{agents: {entries: {ops: {agentDir: '/ops'}}}}",
         places=(f"{RESCUE}:agents.entries.ops.agentDir",)),
    Case("a listed agent's workspace off the mounts", PAIR, main="{agents: {list: [{id: 'a'}, {id: 'b', workspace: '/b'}]}}",
         places=(f"{MAIN}:agents.list.1.workspace",)),
    Case("one workspace behind two profiles", PAIR, links={"rescue/workspace": "/srv/bots/profiles/main/workspace"},
         places=("profiles/rescue/workspace",)),
    Case("one state behind two profiles", PAIR, links={"main/state": "/data/s", "rescue/state": "/data/s"},
         places=("profiles/rescue/state",)),
    Case("a workspace inside of another one's state", PAIR, links={"rescue/workspace": "/srv/bots/profiles/main/state/w"},
         places=("profiles/rescue/workspace",)),
    Case("a workspace that holds another one's", PAIR, links={"rescue/workspace": "/srv/bots/profiles/main"},
         places=("profiles/rescue/workspace", "profiles/rescue/workspace")),
    Case("a native gateway's state as ours", PAIR, natives=(native(30000),), links={"main/state": "/home/me/.openclaw"},
         places=("profiles/main/state", "profiles/main/state")),
    Case("a native gateway's workspace as ours", PAIR, natives=(native(30000, workspace=Path("/data")),),
         links={"main/workspace": "/data"}, places=("profiles/main/workspace",)),
    # native gateways
    Case("a native gateway on main's port", PAIR, natives=(native(),), places=("fleet.yaml:base_port",)),
    Case("a native gateway on rescue's port", PAIR, natives=(native(19789, "~/.openclaw-rescue"),),
         places=("fleet.yaml:profiles.rescue.port",)),
    Case("a profile in a native gateway's CDP range", "profiles: {rescue: {port: 18850}}", natives=(native(),),
         places=("fleet.yaml:profiles.rescue.port",)),
    Case("a profile whose Chrome is a native gateway's base", "profiles: {rescue: {port: 18778}}", natives=(native(),),
         places=("fleet.yaml:profiles.rescue.port",)),
    Case("a native gateway's Chrome pinned on ours", PAIR,
         natives=(native(30000, config="{browser: {profiles: {x: {cdpPort: 18800}}}}"),), places=("fleet.yaml:base_port",)),
    Case("a native gateway so high that it falls back to our range", PAIR, natives=(native(65500),),
         places=("fleet.yaml:base_port",)),
    Case("two native gateways on one port", "profiles: {rescue: {port: 30000}}",
         natives=(native(), native(place="~/.openclaw-ops")), places=("~/.openclaw-ops/openclaw.json:gateway.port",)),
    Case("two native gateways closer than their ranges", "profiles: {rescue: {port: 30000}}",
         natives=(native(), native(18809, "~/.openclaw-ops")), places=("~/.openclaw-ops/openclaw.json:gateway.port",)),
    Case("a native gateway's remote Chrome", PAIR, main="{browser: {cdpUrl: 'http://chrome.example:9222'}}",
         natives=(native(30000, config="{browser: {cdpUrl: 'http://chrome.example:9222'}}"),),
         places=("~/.openclaw/openclaw.json:browser.cdpUrl",)),
    Case("a native gateway's Chrome on this host", PAIR, main="{browser: {cdpUrl: 'http://${HOST_GATEWAY_ADDRESS}:9222', ssrfPolicy: {allowedHostnames: ['${HOST_GATEWAY_ADDRESS}']}}}",
         natives=(native(30000, config="{browser: {profiles: {x: {cdpUrl: 'http://127.0.0.1:9222'}}}}"),),
         places=(f"{MAIN}:browser.cdpUrl",)),
    # other spellings
    Case("a port in hexadecimal, in single quotes and with a comment", PAIR, rescue="{/* a */ 'gateway': {port: 0x4965,},}",
         places=(f"{RESCUE}:gateway.port",)),
    Case("a port with an exponent", PAIR, rescue='{"gateway": {"port": 1.8789e4}}', places=(f"{RESCUE}:gateway.port",)),
    Case("a Chrome port with .0", PAIR, main='{"browser": {"profiles": {"x": {"cdpPort": 18789.0}}}}',
         places=(f"{MAIN}:browser.profiles.x.cdpPort",)),
    Case("a Chrome port in a file that an included one includes", PAIR, rescue="{$include: ['a.json5', 'b.json5']}",
         files={"a.json5": "{browser: {$include: 'c.json5'}}", "b.json5": "{agents: {}}", "c.json5": "{profiles: {y: {cdpPort: 18800}}}"},
         places=(f"{RESCUE}:browser.profiles.y.cdpPort",)),
    Case("one Chrome by two variables, in other letters", "profiles: {main: {environment: {U: 'http://c.example:9222'}}, "
         "rescue: {port: 19789, environment: {V: 'HTTP://C.Example.:9222/'}}}", "{browser: {cdpUrl: '${U}'}}",
         "{browser: {profiles: {q: {cdpUrl: '${V}'}}}}", places=(f"{RESCUE}:browser.profiles.q.cdpUrl",)),
    Case("one Chrome by a variable of the config's own", PAIR, "{env: {vars: {U: 'http://c.example:9222'}}, browser: {cdpUrl: '${U}'}}",
         "{browser: {cdpUrl: 'http://c.example:9222'}}", places=(f"{RESCUE}:browser.cdpUrl",)),
    Case("one Chrome by the variables' file", PAIR, "{browser: {cdpUrl: '${U}'}}", "{browser: {cdpUrl: 'http://c.example:9222'}}",
         files={".env": "# mine\nexport U='http://c.example:9222'\n"}, places=(f"{RESCUE}:browser.cdpUrl",)),
    Case("one service by one secret", "profiles: {main: {secrets: [U]}, rescue: {port: 19789, secrets: [U]}}", "{browser: {cdpUrl: '${U}'}}",
         "{browser: {cdpUrl: '${U}'}}", secrets={"U": "wss://c.example?token=1"}, places=(f"{RESCUE}:browser.cdpUrl",)),
    Case("one Chrome by two spellings of IPv6", PAIR, "{browser: {cdpUrl: 'http://[2606:4700::1]:9222'}}",
         "{browser: {cdpUrl: 'http://[2606:4700:0:0:0:0:0:1]:9222/'}}", places=(f"{RESCUE}:browser.cdpUrl",)),
    Case("one Chrome by IPv4 in IPv6", PAIR, "{browser: {cdpUrl: 'http://[::ffff:8.8.8.8]:9222'}}", "{browser: {cdpUrl: 'http://8.8.8.8:9222'}}",
         places=(f"{RESCUE}:browser.cdpUrl",)),
    Case("one Chrome by its address as one number", PAIR, "{browser: {cdpUrl: 'http://134744072:9222'}}", "{browser: {cdpUrl: 'http://8.8.8.8:9222'}}",
         places=(f"{RESCUE}:browser.cdpUrl",)),
    Case("one Chrome with blanks around it", PAIR, "{browser: {cdpUrl: ' http://c.example:9222 '}}", "{browser: {cdpUrl: 'ws://c.example:9222'}}",
         places=(f"{RESCUE}:browser.cdpUrl",)),
    Case("one Chrome of this host, by its name and by its address", PAIR,
         "{browser: {cdpUrl: 'http://${HOST_GATEWAY_ADDRESS}:9222', ssrfPolicy: {dangerouslyAllowPrivateNetwork: true}}}",
         "{browser: {cdpUrl: 'http://172.17.0.1:9222', ssrfPolicy: {dangerouslyAllowPrivateNetwork: true}}}", places=(f"{RESCUE}:browser.cdpUrl",)),
    Case("loopback by IPv4 in IPv6", PAIR, main="{browser: {profiles: {x: {cdpUrl: 'http://[::ffff:127.0.0.1]:9222', attachOnly: true}}}}",
         places=(f"{MAIN}:browser.profiles.x.cdpUrl",)),
    Case("loopback by a short address", PAIR, main="{browser: {profiles: {x: {cdpUrl: 'http://127.1:9222', attachOnly: true}}}}",
         places=(f"{MAIN}:browser.profiles.x.cdpUrl",)),
    Case("loopback in capitals and with a dot", PAIR, main="{browser: {profiles: {x: {cdpUrl: 'http://LOCALHOST.:9222', attachOnly: true}}}}",
         places=(f"{MAIN}:browser.profiles.x.cdpUrl",)),
    # browsers that nobody can start
    Case("a browser without a port", PAIR, main="{browser: {profiles: {x: {headless: true}}}}", places=(f"{MAIN}:browser.profiles.x.cdpPort",)),
    Case("the old driver's name without a port", PAIR, main="{browser: {profiles: {x: {driver: 'clawd'}}}}",
         places=(f"{MAIN}:browser.profiles.x.cdpPort",)),
    Case("a Chrome port that is text", PAIR, main="{browser: {profiles: {x: {cdpPort: '18805'}}}}", places=(f"{MAIN}:browser.profiles.x.cdpPort",)),
    Case("a Chrome port that is zero", PAIR, main="{browser: {profiles: {x: {cdpPort: 0}}}}", places=(f"{MAIN}:browser.profiles.x.cdpPort",)),
    # further directories
    Case("a workspace beside the mounts by the home's variable", PAIR, main="{agents: {defaults: {workspace: '${HOME}-work'}}}",
         places=(f"{MAIN}:agents.defaults.workspace",)),
    Case("a workspace off the mounts by a variable", "profiles: {main: {environment: {W: /srv/w}}}",
         main="{agents: {defaults: {workspace: '${W}'}}}", places=(f"{MAIN}:agents.defaults.workspace",)),
    Case("sessions off the mounts", PAIR, main="{session: {store: '/srv/sessions.json'}}", places=(f"{MAIN}:session.store",)),
    Case("work trees off the mounts", PAIR, main="{worktreeRoot: '/trees'}", places=(f"{MAIN}:worktreeRoot",)),
    Case("a chat's login off the mounts", PAIR, rescue="{channels: {whatsapp: {accounts: {me: {authDir: '/srv/wa'}}}}}",
         places=(f"{RESCUE}:channels.whatsapp.accounts.me.authDir",)),
    Case("credentials off the mounts by a variable", "profiles: {main: {environment: {OPENCLAW_OAUTH_DIR: /tmp/x}}}",
         places=("fleet.yaml:profiles.main.environment.OPENCLAW_OAUTH_DIR",)),
    Case("a workspace that is its own gateway's state", PAIR, links={"main/workspace": "/srv/bots/profiles/main/state"},
         places=("profiles/main/workspace",)),
    # bots
    Case("one bot in two configs", PAIR, "{channels: {telegram: {botToken: '123456:one-and-the-same'}}}",
         "{channels: {telegram: {accounts: {me: {botToken: '123456:one-and-the-same'}}}}}", places=(f"{RESCUE}:channels.telegram.accounts.me.botToken",)),
    Case("one bot by one secret", "profiles: {main: {secrets: [TELEGRAM_BOT_TOKEN]}, rescue: {port: 19789, secrets: [TELEGRAM_BOT_TOKEN]}}",
         secrets={"TELEGRAM_BOT_TOKEN": "123456:one-and-the-same"}, places=("secrets/rescue/TELEGRAM_BOT_TOKEN",)),
    Case("one bot by a secret and in a config", "profiles: {main: {secrets: [MY_BOT]}, rescue: {port: 19789}}",
         "{channels: {discord: {token: '${MY_BOT}'}}}", "{channels: {discord: {token: '123456:one-and-the-same'}}}",
         secrets={"MY_BOT": "123456:one-and-the-same"}, places=(f"{RESCUE}:channels.discord.token",)),
    Case("a native gateway's bot", PAIR, main="{channels: {telegram: {botToken: '123456:one-and-the-same'}}}",
         natives=(native(30000, config="{channels: {telegram: {botToken: '123456:one-and-the-same'}}}"),),
         places=("~/.openclaw/openclaw.json:channels.telegram.botToken",)),
    # the file itself
    Case("a native gateway that drives our Chrome", PAIR,
         natives=(native(30000, config="{browser: {profiles: {x: {cdpUrl: 'http://127.0.0.1:18800', attachOnly: true}}}}"),),
         places=("~/.openclaw/openclaw.json:browser.profiles.x.cdpUrl",)),
    Case("a config nested too deep", PAIR, main='{"a":' * 900 + "1" + "}" * 900, places=(MAIN,)),
    Case("a config cut in half", PAIR, main="{gateway: {po", places=(MAIN,)),
    Case("a config that is a list", PAIR, main="[]", places=(MAIN,)),
    Case("an included file that is not there", PAIR, main="{agents: {$include: './agents.json5'}}", places=(MAIN,)),
    Case("an included file off the mounts", PAIR, main="{agents: {$include: '/etc/agents.json5'}}", places=(MAIN,)),
    Case("an included file that is damaged", PAIR, main="{agents: {$include: 'a.json5'}}", files={"a.json5": "{"}, places=(MAIN,)),
    Case("a config that includes itself", PAIR, main="{agents: {$include: 'idlehands.json'}}", places=(MAIN,)),
]  # fmt: skip

RIGHT = [
    Case("a workspace and work trees in the home directory", PAIR,
         main="{agents: {defaults: {workspace: '~/work'}}, worktreeRoot: '${HOME}/trees'}"),
    Case("no config yet", PAIR),
    Case("nothing in them", PAIR, "{}", "{}"),
    Case("the first config", PAIR, '{"gateway": {"mode": "local", "bind": "lan", "auth": {"mode": "token"}}}', '{"gateway": {"mode": "local", "bind": "lan", "auth": {"mode": "token"}}}'),
    Case("the plan's own ports", PAIR, "{gateway: {port: 18789}}", "{gateway: {port: 19789}}"),
    Case("the secret's own token", PAIR, "{gateway: {auth: {token: 'TOKEN'}}}"),
    Case("a token by variable", PAIR, "{gateway: {auth: {token: '${OPENCLAW_GATEWAY_SECRET}'}}}"),
    Case("a token by reference", PAIR, "{gateway: {auth: {token: {source: 'env', provider: 'default', id: 'T'}}}}"),
    Case("a bind that detects the container", PAIR, "{gateway: {bind: 'auto'}}"),
    Case("a bind to all addresses by another setting", PAIR, "{gateway: {bind: 'custom', customBindHost: '0.0.0.0'}}"),
    Case("Tailscale beside a bind of its own", PAIR, "{gateway: {bind: 'lan', tailscale: {mode: 'off'}}}"),
    Case("browsers on the plan's ports", WORK,
         rescue="{browser: {profiles: {work: {cdpPort: 19801}, openclaw: {cdpPort: 19800}}}}"),
    Case("a browser more, in the gateway's own range", PAIR, main="{browser: {profiles: {x: {cdpPort: 18850}}}}"),
    Case("browsers that have no port", PAIR,
         main="{browser: {profiles: {user: {driver: 'existing-session', cdpPort: 19789}, c: {driver: 'extension'}}}}"),
    Case("a remote Chrome as in the fleet file", OFFICE, main="{browser: {profiles: {office: {cdpUrl: 'http://chrome.example:9222/'}}}}"),
    Case("a remote Chrome for each", PAIR, "{browser: {cdpUrl: 'http://chrome.example:9222'}}", "{browser: {cdpUrl: 'http://chrome.example:9223'}}"),
    Case("one service with a key for each", PAIR, "{browser: {cdpUrl: 'wss://chrome.example?token=1'}}",
         "{browser: {cdpUrl: 'wss://chrome.example?token=2'}}"),
    Case("addresses in unknown variables", PAIR, "{browser: {cdpUrl: 'http://${CHROME}:9222'}}", "{browser: {cdpUrl: 'http://${CHROME}:9222'}}"),
    Case("its own Chrome by loopback", PAIR, main="{browser: {profiles: {x: {cdpUrl: 'http://127.0.0.1:18800', attachOnly: true}}}}"),
    Case("a workspace on a mount of a person's own", "profiles: {main: {volumes: ['/srv/data:/data:rw', '/srv:/data/x']}}",
         main="{agents: {defaults: {workspace: '/data/main'}}}"),
    Case("two workspaces side by side on one mount", "volumes: ['/srv/data:/data:rw']\n" + PAIR,
         "{agents: {defaults: {workspace: '/data/a'}}}", "{agents: {defaults: {workspace: '/data/b'}}}"),
    Case("workspaces on the mounts", PAIR, "{agents: {defaults: {workspace: '/home/idlehands/workspace'}}}",
         "{agents: {defaults: {workspace: '~/workspace/sub'}, entries: {ops: {workspace: '~/.idlehands/ops'}}}}"),
    Case("an included file", PAIR, main="{gateway: {$include: 'g.json5', port: 18789}}", files={"g.json5": "{port: 1}"}),
    Case("an included file by its place in the container", PAIR,
         main="{gateway: {$include: '/home/idlehands/.idlehands/g.json5'}}", files={"g.json5": "{port: 18789}"}),
    Case("comments and trailing commas", PAIR, main="// mine\n{gateway: {port: 18789,}, /* more */}"),
    Case("a native gateway on other ports", PAIR, natives=(native(30000),)),
    Case("native gateways as far apart as their ranges", "profiles: {rescue: {port: 40000}}",
         natives=(native(), native(18909, "~/.openclaw-ops"))),
    Case("state and workspace on disks of their own", PAIR, links={"main/state": "/ssd/main", "main/workspace": "/hdd/main"}),
    Case("unpublished ports that only look alike", "profiles: {main: {publish: {cdp: false}}, rescue: {port: 18800}}"),
    Case("a Chrome of this host for one gateway", PAIR, main="{browser: {cdpUrl: 'http://${HOST_GATEWAY_ADDRESS}:9222', ssrfPolicy: {allowedHostnames: ['${HOST_GATEWAY_ADDRESS}']}}}"),
    Case("a Chrome on a private network that the config allows", PAIR,
         main="{browser: {cdpUrl: 'http://10.0.0.42:9222', ssrfPolicy: {allowedHostnames: ['10.0.0.*']}}}"),
    Case("all private networks allowed", PAIR,
         main="{browser: {cdpUrl: 'http://desk.lan:9222', ssrfPolicy: {dangerouslyAllowPrivateNetwork: true}}}"),
    Case("a Chrome of its own, by its address", PAIR, main="{browser: {profiles: {x: {cdpUrl: 'http://127.0.0.1:18850'}}}}"),
    Case("two users of one service", PAIR, "{browser: {cdpUrl: 'https://one:1@chrome.example'}}", "{browser: {cdpUrl: 'https://two:2@chrome.example'}}"),
    Case("a port with .0", PAIR, main='{"gateway": {"port": 18789.0}}'),
    Case("a bot for each", PAIR, "{channels: {telegram: {botToken: '123456:one-and-the-same'}}}", "{channels: {telegram: {botToken: '123456:quite-another'}}}"),
    Case("one bot, and turned off in one of them", PAIR, "{channels: {telegram: {botToken: '123456:one-and-the-same'}}}",
         "{channels: {telegram: {enabled: false, botToken: '123456:one-and-the-same'}}}"),
    Case("one provider's key in two gateways", "profiles: {main: {secrets: [OPENAI_API_KEY]}, rescue: {port: 19789, secrets: [OPENAI_API_KEY]}}",
         secrets={"OPENAI_API_KEY": "one-and-the-same"}),
    Case("what is kept on the mounts, by variables", "profiles: {main: {environment: {OPENCLAW_OAUTH_DIR: /home/idlehands/.idlehands/oauth}}}",
         main="{session: {store: '${HOME}/.idlehands/sessions.json'}, worktreeRoot: '~/workspace/trees'}"),
    Case("a browser that runs already needs no port", PAIR, main="{browser: {profiles: {x: {driver: 'existing-session', attachOnly: true}}}}"),
    Case("no workspace of its own", PAIR, main="{agents: {defaults: {workspace: ''}}}"),
]  # fmt: skip
