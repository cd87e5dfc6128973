package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// A need is a thing the tests use that Go does not bring.
type need struct {
	file string // a program on the PATH, or an absolute path
	pkg  string // the Debian package that has it
	why  string
}

var linuxNeeds = []need{
	{"gcc", "gcc", "the race detector is linked by a C compiler"},
	{"/usr/include/stdlib.h", "libc6-dev", "the race detector is linked with the C library"},
	{"dbus-run-session", "dbus", "keychain and tray are tested on a session bus of their own"},
	{"gnome-keyring-daemon", "gnome-keyring", "secrets are tested in a real keychain"},
	{"chromium", "chromium", "pages and sign-in are tested in a real browser"},
	{"node", "nodejs", "npm, which brings axe-core, runs on it"},
	{"npm", "npm", "pages are checked for accessibility by axe-core"},
	{"curl", "curl", "tables are fetched as scripts do"},
	{"soffice", "libreoffice-calc-nogui", "tables are opened in a real spreadsheet"},
	{"setpriv", "util-linux", "requests of a second OS user are tested"},
	{"wine", "wine", "the tests for Windows run under Wine"},
	{"Xvfb", "xvfb", "Wine has a screen of its own"},
	{"openbox", "openbox", "Wine's windows need a window manager"},
	{"xdotool", "xdotool", "Wine's notification area is looked for on its screen"},
	{"import", "imagemagick", "pictures are taken of Wine's screen"},
}

// packageNeeds is what go run ./build package uses besides Go.
var packageNeeds = []need{
	{"makensis", "nsis", "the Windows installer is made by NSIS"},
	{"osslsigncode", "osslsigncode", "Windows programs are signed, and signatures are tested"},
}

var packageTestNeeds = []need{
	{"openssl", "openssl", "signatures are tested with a certificate made for the test"},
	{"dpkg-deb", "dpkg", "the Debian package is opened"},
	{"wrestool", "icoutils", "icon and properties of the Windows programs are read back"},
}

// setUp makes sure that everything the tests need is there, so that none has to
// skip.
func setUp() error {
	if runtime.GOOS != "linux" {
		return nil
	}
	return provide(slices.Concat(linuxNeeds, packageNeeds, packageTestNeeds))
}

// provide installs what is missing, on Debian as root; elsewhere its error is the
// line to run.
func provide(needs []need) error {
	missing := missingNeeds(needs)
	if len(missing) == 0 {
		return nil
	}
	var pkgs []string
	for _, n := range missing {
		fmt.Printf("missing: %s (package %s): %s\n", n.file, n.pkg, n.why)
		pkgs = append(pkgs, n.pkg)
	}
	slices.Sort(pkgs)
	pkgs = slices.Compact(pkgs)
	install := "apt-get install --yes --no-install-recommends " + strings.Join(pkgs, " ")
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("this is not Debian; install what these packages have there: %s", strings.Join(pkgs, " "))
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("run this line, then the same command again:\n  sudo sh -c 'apt-get update && %s'", install)
	}
	// Lists of another day name package versions that mirrors have dropped.
	for _, line := range []string{"apt-get update", install} {
		fmt.Println("running: " + line)
		cmd := exec.Command("sh", "-c", line)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", line, err, out)
		}
	}
	if still := missingNeeds(missing); len(still) > 0 {
		return fmt.Errorf("%s is still missing after the installation", still[0].file)
	}
	return nil
}

// mayTest reports whether this user may run the tests: they play a second OS user
// and mount small disks, which on Linux takes root.
func mayTest(goos string, euid int) error {
	if goos == "linux" && euid != 0 {
		return errors.New(`some tests play a second OS user and fill small disks, which only root may. Run:
  sudo env "PATH=$PATH" go run ./build test`)
	}
	return nil
}

func missingNeeds(needs []need) []need {
	return slices.DeleteFunc(slices.Clone(needs), func(n need) bool {
		if filepath.IsAbs(n.file) {
			_, err := os.Stat(n.file)
			return err == nil
		}
		_, err := exec.LookPath(n.file)
		return err == nil
	})
}
