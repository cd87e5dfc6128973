package main

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

const packageUsage = `Usage: go run ./build package [--to FOLDER] [--version X.Y.Z]

Makes, on Linux, what people download: the programs for Windows and their
installer, the Linux packages, a bill of materials for each, and SHA256SUMS over
all. The same commit, version, Go and NSIS give the same bytes, in whatever folder.

Without --version it is the tag vX.Y.Z of the commit, else a development version
with the commit's time. SOURCE_DATE_EPOCH replaces that time.

The Windows files are signed when the environment names a certificate:
  FCC_SIGN_CERT, FCC_SIGN_KEY          files: certificate chain and key, as PEM
  FCC_SIGN_PKCS12                      or a file with both
  FCC_SIGN_PASSWORD_FILE               a file with the password, if there is one
  FCC_SIGN_TIMESTAMP                   address of an RFC 3161 time-stamp server
A signature with such a time stamp differs from one build to the next.

The programs look for updates when it says where they are published:
  FCC_UPDATE_ADDRESS, FCC_UPDATE_KEY   see go run ./build sign-update --help

`

// product is the program's name for people.
const product = "Financial Command Center"

// maxProgram is the size that fcc.exe may have, of which writing Excel workbooks is
// two MB, metrics for Prometheus (client_golang) are two and a half, and assistants (the
// MCP SDK) one; maxTwin is that of fcc.com.
const (
	maxProgram = 32 << 20
	maxTwin    = 2 << 20
)

// A release is one run of the package command.
type release struct {
	version string // X.Y.Z, or X.Y.Z-WORD
	commit  string
	time    time.Time // of the commit: what is made carries no other
	to      string    // the folder of what is made
	work    string    // a folder for what is needed on the way
	sign    *signer   // nil: nothing is signed
	updates updates
	files   []string // what was made, from to, with slashes
}

func pack(args []string) error {
	flags := flag.NewFlagSet("package", flag.ContinueOnError)
	to := flags.String("to", "dist", "write to this `FOLDER`")
	version := flags.String("version", "", "the version, as `X.Y.Z`")
	flags.Usage = func() { fmt.Fprint(flags.Output(), packageUsage); flags.PrintDefaults() }
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%q is no flag; see go run ./build package --help", flags.Arg(0))
	}
	if runtime.GOOS != "linux" {
		return errors.New("the packages are made on Linux")
	}
	folder, err := filepath.Abs(*to)
	if err != nil {
		return err
	}
	if err := enterModule(); err != nil {
		return err
	}
	if err := provide(packageNeeds); err != nil {
		return err
	}
	r, err := newRelease(folder, *version, os.Getenv)
	if err != nil {
		return err
	}
	return r.make()
}

// newRelease settles version, commit and time, with the module's root as the
// working directory.
func newRelease(to, version string, env func(string) string) (*release, error) {
	r := &release{to: to, commit: "unknown"}
	var tag string
	if commit, err := git("rev-parse", "HEAD"); err == nil {
		r.commit = commit
		stamp, err := git("show", "-s", "--format=%ct", "HEAD")
		if err != nil {
			return nil, err
		}
		if r.time, err = unixTime(stamp); err != nil {
			return nil, err
		}
		changes, err := git("status", "--porcelain")
		if err != nil {
			return nil, err
		}
		if changes != "" {
			r.commit += "+changes"
		}
		tag, _ = git("describe", "--tags", "--exact-match", "--match=v[0-9]*") // most commits have none
	}
	if stamp := env("SOURCE_DATE_EPOCH"); stamp != "" {
		var err error
		if r.time, err = unixTime(stamp); err != nil {
			return nil, fmt.Errorf("SOURCE_DATE_EPOCH: %w", err)
		}
	}
	if r.time.IsZero() {
		return nil, errors.New("this folder is no git checkout: give the time of the source in SOURCE_DATE_EPOCH, in seconds since 1970")
	}
	r.version = cmp.Or(strings.TrimPrefix(cmp.Or(version, tag), "v"), "0.0.0-dev."+r.time.Format("20060102150405"))
	if _, err := fourNumbers(r.version); err != nil {
		return nil, err
	}
	var err error
	if r.updates, err = linkedUpdates(env, r.version); err != nil {
		return nil, err
	}
	r.sign, err = newSigner(env)
	return r, err
}

// git asks about the checkout, and leaves its index alone.
func git(args ...string) (string, error) {
	out, err := exec.Command("git", append([]string{"--no-optional-locks"}, args...)...).Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w", args[0], err)
	}
	return strings.TrimSpace(string(out)), nil
}

func unixTime(seconds string) (time.Time, error) {
	n, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is no time in seconds since 1970", seconds)
	}
	return time.Unix(n, 0).UTC(), nil
}

var versionForm = regexp.MustCompile(`^(\d+)\.(\d+)\.(\d+)(-[0-9A-Za-z.-]+)?$`)

// fourNumbers is a version as Windows compares it.
func fourNumbers(version string) (string, error) {
	parts := versionForm.FindStringSubmatch(version)
	if parts == nil {
		return "", fmt.Errorf("%q is no version like 1.2.3", version)
	}
	for _, n := range parts[1:4] {
		if v, err := strconv.Atoi(n); err != nil || v > 0xffff { // 16 bits each in VS_FIXEDFILEINFO
			return "", fmt.Errorf("%q: Windows knows no number above 65535 in a version", version)
		}
	}
	return strings.Join(parts[1:4], ".") + ".0", nil
}

// make makes everything; what an earlier run left in the folder goes first.
func (r *release) make() error {
	begun := time.Now()
	work, err := os.MkdirTemp("", "fcc-package-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	r.work = work
	if err := r.clear(); err != nil {
		return err
	}
	fmt.Printf("%s %s, commit %s, %s\n", product, r.version, r.commit, r.time.Format(time.RFC3339))
	if r.sign == nil {
		fmt.Println("Nothing is signed: no certificate is named (FCC_SIGN_CERT or FCC_SIGN_PKCS12).")
	}
	if r.updates == (updates{}) {
		fmt.Println("The programs look for no updates: no address is named (FCC_UPDATE_ADDRESS, FCC_UPDATE_KEY).")
	}
	steps := []struct {
		name string
		do   func() error
	}{
		{"programs for Windows, amd64", func() error { return r.windowsPrograms("amd64") }},
		{"programs for Windows, arm64", func() error { return r.windowsPrograms("arm64") }},
		{"installer for Windows", r.installer},
		{"packages for Linux", r.linuxPackages},
		{"bills of materials", r.materials},
		{"SHA256SUMS", r.sums},
	}
	for _, step := range steps {
		from := time.Now()
		if err := step.do(); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		fmt.Printf("%-32s%s\n", step.name, since(from))
	}
	for _, name := range r.files {
		info, err := os.Stat(r.path(name))
		if err != nil {
			return err
		}
		fmt.Printf("%10d  %s\n", info.Size(), name)
	}
	fmt.Printf("In %s after %s. The arm64 programs were built and inspected here, and never run.\n", r.to, since(begun))
	return nil
}

// path is where a file of the release lies; name has slashes.
func (r *release) path(name string) string { return filepath.Join(r.to, filepath.FromSlash(name)) }

// made adds a file to the release, with the release's own time.
func (r *release) made(name string) error {
	if err := os.Chtimes(r.path(name), r.time, r.time); err != nil {
		return err
	}
	r.files = append(r.files, name)
	return nil
}

const sumsFile = "SHA256SUMS"

// clear removes what an earlier run made, as its SHA256SUMS tells. Anything else
// in the folder is left alone.
func (r *release) clear() error {
	list, err := os.ReadFile(r.path(sumsFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for line := range strings.Lines(string(list)) {
		_, name, ok := strings.Cut(strings.TrimSpace(line), "  ")
		if !ok || !filepath.IsLocal(filepath.FromSlash(name)) {
			return fmt.Errorf("%s does not list files as this command does: empty the folder yourself", r.path(sumsFile))
		}
		if err := os.Remove(r.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return os.MkdirAll(r.to, 0o755)
}

// sums writes SHA256SUMS as sha256sum does.
func (r *release) sums() error {
	slices.Sort(r.files)
	var list strings.Builder
	for _, name := range r.files {
		data, err := os.ReadFile(r.path(name))
		if err != nil {
			return err
		}
		fmt.Fprintf(&list, "%x  %s\n", sha256.Sum256(data), name)
	}
	if err := os.WriteFile(r.path(sumsFile), []byte(list.String()), 0o644); err != nil {
		return err
	}
	return r.made(sumsFile)
}

// run runs a program of the build; its output is shown only when it fails.
func run(env []string, argv ...string) error {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = testEnv(env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", argv[0], err, out)
	}
	return nil
}

// runTool runs a pinned tool. It is built as anybody else builds it: some write
// their own hash into what they make.
func runTool(name string, args ...string) error {
	return run([]string{"GOFLAGS=-trimpath", "CGO_ENABLED=0"}, tool(name, args...)...)
}
