package wine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
)

// Drive is where Linux has drive C.
func (w *Wine) Drive() string { return filepath.Join(w.dir, "prefix", "drive_c") }

// Path is what Windows programs call a file or folder of Linux.
func (w *Wine) Path(linux string) string {
	drive := "Z:" // all of Linux
	if in, ok := strings.CutPrefix(linux+"/", w.Drive()+"/"); ok {
		drive, linux = "C:", path.Clean("/"+in)
	}
	return drive + strings.ReplaceAll(filepath.ToSlash(linux), "/", `\`)
}

// File is where Linux has a file or folder of drive C or Z. Windows makes no
// difference between small and capital letters; Linux does, and finds it as
// Windows wrote it.
func (w *Wine) File(windows string) (string, error) {
	drive, rest, _ := strings.Cut(windows, ":")
	slashed := path.Join("/", strings.ReplaceAll(rest, `\`, "/"))
	switch strings.ToUpper(drive) {
	case "C":
		return filepath.Join(w.Drive(), filepath.FromSlash(slashed)), nil
	case "Z":
		return filepath.FromSlash(slashed), nil
	}
	return "", fmt.Errorf("%q is on no drive of this Windows", windows)
}

// Folder is where Linux has the folder that an environment variable of Windows
// names, LOCALAPPDATA for one.
func (w *Wine) Folder(ctx context.Context, variable string) (string, error) {
	out, err := w.Output(ctx, "cmd", "/c", "echo", "%"+variable+"%")
	if err != nil {
		return "", err
	}
	return w.File(strings.TrimSpace(out))
}

// Registry reads a value, such as one of HKCU\Software\…, as text; false: there is
// no such value. It asks the wineserver, which writes its files late.
func (w *Wine) Registry(ctx context.Context, key, value string) (string, bool, error) {
	out, err := w.Output(ctx, "reg", "query", key, "/v", value)
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 && ctx.Err() == nil {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	for line := range strings.Lines(out) {
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), value)
		if kind, data, found := strings.Cut(strings.TrimSpace(rest), "    "); ok && found && strings.HasPrefix(kind, "REG_") {
			return data, true, nil
		}
	}
	return "", false, fmt.Errorf("reg query %s /v %s says: %s", key, value, out)
}

// Build compiles a program of the module for this Windows, as it ships: without
// cgo. The flags are go build's.
func (w *Wine) Build(ctx context.Context, exe, pkg string, flags ...string) error {
	args := append([]string{"build", "-buildvcs=false", "-trimpath", "-o", exe}, flags...)
	cmd := exec.CommandContext(ctx, "go", append(args, pkg)...)
	cmd.Env = append(os.Environ(), "GOOS=windows", "GOARCH=amd64", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build %s for Windows: %w\n%s", pkg, err, out)
	}
	return nil
}
