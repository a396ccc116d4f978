"""Take out of a Debian system what a finished service has no use for: `trim.py` in the image's own root.

An image that only runs one program needs no package manager, no Perl, no way to change users and no way to
install anything. The packages leave Debian's list of what is installed too, so that scanners and the bill
of materials tell the truth. What is not Debian's (Python's installer and its graphical parts) is removed by
its path.

Set-user-id bits are taken off whatever is left. Packages that are not there are passed over.
"""

from __future__ import annotations

import re
import shutil
import stat
import sys
import sysconfig
from fnmatch import fnmatchcase
from pathlib import Path

#: Names of packages, with stars as in a shell.
PACKAGES = frozenset(
    re.findall(
        r"\S+",
        """
        adduser apt apt-* bsdutils debconf debconf-* debian-archive-keyring diffutils dpkg e2fsprogs gpgv
        init-system-helpers libapt-pkg* libaudit* libblkid1 libcap-ng0 libcom-err2 libdb5.3*
        libdebconfclient0 libext2fs2* libfdisk1 libgcrypt20 libgnutls30* libgpg-error0 libhogweed6*
        libidn2-0 libmount1 libnettle8* libp11-kit0 libpam* libseccomp2 libsemanage* libsepol*
        libsmartcols1 libss2* libtasn1-6 libudev1 libunistring* liblz4-1 libxxhash0 login login.defs
        logsave mawk mount passwd perl perl-* lib*-perl libperl* sqv sysvinit-utils tar usrmerge
        util-linux util-linux-*
        """,
    )
)

#: Of Python, inside its library folder.
PYTHON = ("ensurepip", "idlelib", "lib2to3", "pydoc_data", "tkinter", "turtledemo", "turtle.py")
#: Python packages that install others, wherever they are.
INSTALLERS = (
    "pip",
    "pip-*",
    "setuptools",
    "setuptools-*",
    "pkg_resources",
    "_distutils_hack",
    "wheel",
    "wheel-*",
)
PROGRAMS = ("pip*", "idle*", "2to3*", "pydoc*", "wheel*", "easy_install*")

#: Left by the installation of packages.
LEFT = (
    *("var/lib/apt", "var/cache/apt", "var/cache/debconf", "var/lib/pam", "var/log/*", "var/lib/dpkg/*-old"),
    *("etc/apt", "etc/dpkg", "etc/pam*", "etc/security", "root/.cache", "tmp/*"),
    *("usr/share/man/*", "usr/share/info/*", "usr/share/locale/*", "usr/share/python-wheels"),
)


def is_chosen(name: str) -> bool:
    """Tell whether a package is among those to remove."""
    return any(fnmatchcase(name, pattern) for pattern in PACKAGES)


def field(record: str, name: str) -> str:
    """Read one field of a record in Debian's list, or an empty string."""
    return next((line[len(name) + 2 :] for line in record.splitlines() if line.startswith(f"{name}: ")), "")


def remove(path: Path) -> None:
    """Remove a file, link or folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def remove_packages(root: Path) -> list[str]:
    """Remove the files of the chosen packages and their records; return their names."""
    database = root / "var/lib/dpkg"
    status = database / "status"
    if not status.is_file():
        return []
    records = [record for record in status.read_text(encoding="utf-8").split("\n\n") if record.strip()]
    chosen = [record for record in records if is_chosen(field(record, "Package"))]
    kept = [record for record in records if record not in chosen]
    used = {line for record in kept for line in files_of(database, record)}
    for record in chosen:
        for line in files_of(database, record):
            path = root / line.lstrip("/")
            if line not in used and (path.is_symlink() or not path.is_dir()):
                path.unlink(missing_ok=True)
        for listed in lists(database, record, "*"):
            listed.unlink()
    status.write_text("\n\n".join(record.strip("\n") for record in kept) + "\n", encoding="utf-8")
    return [field(record, "Package") for record in chosen]


def lists(database: Path, record: str, kind: str) -> list[Path]:
    """Find the database's own files about a package."""
    name, architecture = field(record, "Package"), field(record, "Architecture")
    return [
        path
        for stem in (name, f"{name}:{architecture}")
        for path in (database / "info").glob(f"{stem}.{kind}")
    ]


def files_of(database: Path, record: str) -> list[str]:
    """List the paths that a package installed."""
    return [line for path in lists(database, record, "list") for line in path.read_text().splitlines()]


def remove_installers(library: Path) -> None:
    """Remove what installs Python packages, and the parts of Python's library that nobody misses.

    Args:
        library: The folder of Python's own library.
    """
    for entry in PYTHON:
        remove(library / entry)
    for folder in {library, Path("/usr/local/lib") / library.name, Path("/usr/lib/python3")}:
        for pattern in INSTALLERS:
            remove_all(folder, f"site-packages/{pattern}", f"dist-packages/{pattern}")
    for folder in (Path("/usr/local/bin"), Path("/usr/bin")):
        remove_all(folder, *PROGRAMS)


def remove_all(folder: Path, *patterns: str) -> None:
    """Remove what the patterns name."""
    for pattern in patterns:
        for path in folder.glob(pattern):
            remove(path)


def drop_privileges(root: Path) -> None:
    """Take the set-user-id and set-group-id bits off all programs."""
    for folder in ("bin", "sbin", "lib", "libexec", "local"):
        for path in (root / "usr" / folder).rglob("*"):
            if path.is_file() and not path.is_symlink():
                mode = stat.S_IMODE(path.stat().st_mode)
                if mode & (stat.S_ISUID | stat.S_ISGID):
                    path.chmod(mode & 0o777)


def main() -> int:
    """Trim the system that this runs in."""
    root = Path("/")
    names = remove_packages(root)
    remove_installers(Path(sysconfig.get_path("stdlib")))
    remove_all(root, *LEFT)
    drop_privileges(root)
    sys.stdout.write(f"removed {len(names)} packages: {' '.join(names)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
