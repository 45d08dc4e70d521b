"""Variables that no fleet file sets: those that contradict the mounts, load code or choose programs. Pure."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple


class Refusal(NamedTuple):
    """Why a variable is refused.

    Attributes:
        why: the end of a sentence that begins with the variable.
        instead: what serves the same purpose; empty if there is nothing.
    """

    why: str
    instead: str = ""


_HOME = Refusal("is the container's home, which contains the mounts")
_OF_THE_GATEWAY = {
    "HOME": _HOME,
    "PROFILE": Refusal("would select another state than the mount: a gateway in a container has no profile"),
    "GATEWAY_URL": Refusal("would make the commands of `exec` use another gateway"),
    "EAGER_BROWSER_CONTROL_SERVER": Refusal("is set by the image, so that browser control listens on its planned port"),
    "BUNDLED_PLUGINS_DIR": Refusal("loads code into the gateway", "install it as a plugin of the gateway"),
}

_PACKAGES = "install it with `packages`"
_LIBRARIES = Refusal("loads code into every program", _PACKAGES)
_NODE = Refusal("loads code into the gateway", "install it as a plugin of the gateway")
_PYTHON = Refusal("loads code into Python programs", "use a virtual environment in the workspace")
_MODULES = Refusal("loads code into the programs of its language", _PACKAGES)
_DRIVERS = Refusal("loads code into the browser and other programs", _PACKAGES)
_SHELL = Refusal("makes shells run code or read commands in another way")
_PROMPT = Refusal("makes shells run code", "write it in the gateway's ~/.bashrc")
_PROGRAM = Refusal(
    "names a program that others run", "name it in their own config, such as core.pager in the gateway's ~/.gitconfig"
)
_GIT = Refusal("makes git run other programs or read another config", "write it in the gateway's ~/.gitconfig")
_NPM = Refusal("makes npm run other programs or read another config", "write it in the gateway's ~/.npmrc")

# NODE_EXTRA_CA_CERTS and SSL_CERT_FILE are not here: they name certificates, not code, and behind a company's proxy
# nothing works without them.
_KINDS = {
    Refusal("chooses which programs run", "install programs with `packages`, or call yours by its path"): ("PATH",),
    Refusal("loads code into the gateway", "limit its memory with `resources.memory`"): ("NODE_OPTIONS",),
    _NODE: ("NODE_PATH", "NODE_REPL_EXTERNAL_MODULE", "NODE_COMPILE_CACHE"),
    _LIBRARIES: (
        "LD_*", "GCONV_PATH", "OPENSSL_CONF", "OPENSSL_ENGINES", "OPENSSL_MODULES", "GIO_EXTRA_MODULES",
        "GIO_MODULE_DIR", "GTK_MODULES", "GTK_PATH", "QT_PLUGIN_PATH", "QT_QPA_PLATFORM_PLUGIN_PATH",
    ),
    _DRIVERS: (
        "CHROME_DEVEL_SANDBOX", "LIBGL_DRIVERS_PATH", "LIBVA_DRIVERS_PATH", "VDPAU_DRIVER_PATH", "GBM_BACKENDS_PATH",
        "VK_DRIVER_FILES", "VK_ADD_DRIVER_FILES", "VK_ICD_FILENAMES", "VK_LAYER_PATH", "VK_ADD_LAYER_PATH",
        "__EGL_VENDOR_LIBRARY_*", "OCL_ICD_VENDORS", "GST_PLUGIN_*", "FREI0R_PATH", "LADSPA_PATH",
    ),
    _SHELL: (
        "BASH_ENV", "ENV", "SHELLOPTS", "BASHOPTS", "IFS", "CDPATH", "GLOBIGNORE", "EXECIGNORE", "POSIXLY_CORRECT",
        "BASH_FUNC_*", "BASH_LOADABLES_PATH", "SHELL", "ZDOTDIR", "FPATH",
    ),
    _PROMPT: ("PS0", "PS1", "PS2", "PS4", "PROMPT_COMMAND", "INPUTRC"),
    _PROGRAM: (
        "EDITOR", "VISUAL", "FCEDIT", "PAGER", "MANPAGER", "SYSTEMD_PAGER", "LESSOPEN", "LESSCLOSE", "BROWSER",
        "SSH_ASKPASS", "SUDO_ASKPASS", "RUSTC_WRAPPER", "MAKEFILES", "VIMINIT", "EXINIT",
    ),
    _GIT: (
        "GIT_SSH", "GIT_SSH_COMMAND", "GIT_ASKPASS", "GIT_EDITOR", "GIT_SEQUENCE_EDITOR", "GIT_PAGER",
        "GIT_EXTERNAL_DIFF", "GIT_PROXY_COMMAND", "GIT_EXEC_PATH", "GIT_TEMPLATE_DIR", "GIT_DIR", "GIT_COMMON_DIR",
        "GIT_CONFIG", "GIT_CONFIG_*", "GIT_ALLOW_PROTOCOL",
    ),
    _PYTHON: (
        "PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONUSERBASE", "PYTHONPYCACHEPREFIX", "PYTHONPLATLIBDIR",
        "PYTHONEXECUTABLE", "PYTHONBREAKPOINT", "PYTHONWARNINGS",
    ),
    _MODULES: (
        "PERL5LIB", "PERLLIB", "PERL5OPT", "PERL5DB", "RUBYLIB", "RUBYOPT", "GEM_HOME", "GEM_PATH", "BUNDLE_GEMFILE",
        "LUA_PATH*", "LUA_CPATH*", "LUA_INIT*", "CLASSPATH", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS",
        "PHPRC", "PHP_INI_SCAN_DIR", "R_PROFILE", "R_PROFILE_USER", "R_ENVIRON", "R_ENVIRON_USER", "R_LIBS",
        "R_LIBS_USER", "DOTNET_STARTUP_HOOKS", "DOTNET_ADDITIONAL_DEPS", "CORECLR_PROFILER*", "TCLLIBPATH",
        "GUILE_LOAD_PATH", "ERL_FLAGS", "ERL_AFLAGS", "ERL_ZFLAGS", "BUN_OPTIONS",
    ),
    _NPM: tuple(
        f"npm_config_{key}"
        for key in ("node_options", "script_shell", "shell", "git", "editor", "viewer", "userconfig", "globalconfig")
    ),
}  # fmt: skip


def refusal(name: str) -> Refusal | None:
    """Why a variable cannot be set in a fleet file; None if it can."""
    # npm reads its own in any letters.
    known = name.lower() if name.lower().startswith("npm_config_") else name
    exact, families = _tables()
    return exact.get(known) or next((kind for begin, kind in families.items() if known.startswith(begin)), None)


@cache
def _tables() -> tuple[dict[str, Refusal], dict[str, Refusal]]:
    """The names in full, and the beginnings of names, each with its kind."""
    exact = {f"{prefix}_{name}": kind for prefix in ("IDLEHANDS", "OPENCLAW") for name, kind in _OF_THE_GATEWAY.items()}
    listed = {name: kind for kind, names in _KINDS.items() for name in names}
    families = {name[:-1]: kind for name, kind in listed.items() if name.endswith("*")}
    return exact | {"HOME": _HOME} | listed, families
