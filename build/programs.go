package main

import (
	"debug/pe"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// compile links a program as it ships: without cgo, symbols, and anything that
// tells one machine's build from another's.
func (r *release) compile(path, pkg, goos, goarch, ldflags string) error {
	said := map[string]string{"version": r.version, "commit": r.commit, "built": r.time.Format(time.RFC3339)}
	flags := []string{"-s", "-w", "-buildid=", ldflags}
	if pkg == "." {
		for _, name := range []string{"version", "commit", "built"} {
			flags = append(flags, "-X=main."+name+"="+said[name])
		}
		flags = append(flags, "-X=main.updateAddress="+r.updates.address, "-X=main.updateKey="+r.updates.key)
	}
	return run([]string{"GOOS=" + goos, "GOARCH=" + goarch, "CGO_ENABLED=0", "GOFLAGS=", "GOEXPERIMENT=", "GOFIPS140=", "GOTOOLCHAIN=local", "GOAMD64=v1", "GOARM64=v8.0"},
		"go", "build", "-trimpath", "-buildvcs=false", "-ldflags="+strings.Join(flags, " "), "-o", path, pkg)
}

// The two programs that Windows gets. fcc.exe has no console, or one would open
// with each double click; fcc.com has one, and starts fcc.exe with its handles.
// The shells look for .com before .exe, so that fcc typed there is fcc.com.
var windowsPrograms = []struct {
	file, pkg, ldflags, describes string
	max                           int64
}{
	{"fcc.exe", ".", "-H=windowsgui", product, maxProgram},
	{"fcc.com", "./server/cli/console", "", product + " for the command line", maxTwin},
}

// windowsPrograms makes fcc.exe and fcc.com in the folder windows_GOARCH.
func (r *release) windowsPrograms(goarch string) error {
	for _, p := range windowsPrograms {
		name := "windows_" + goarch + "/" + p.file
		if err := r.compile(r.path(name), p.pkg, "windows", goarch, p.ldflags); err != nil {
			return err
		}
		if err := r.addResources(name, p.file, p.describes); err != nil {
			return err
		}
		if err := r.sign.sign(r.path(name), r.time); err != nil {
			return err
		}
		if err := inspect(r.path(name), goarch, p.max); err != nil {
			return err
		}
		if err := r.made(name); err != nil {
			return err
		}
	}
	return nil
}

// addResources puts icon, properties and manifest into a linked program. A .syso
// file would have to lie in the tree while go builds: its -overlay does not reach
// the files that are handed to the linker.
func (r *release) addResources(name, file, describes string) error {
	numbers, err := fourNumbers(r.version)
	if err != nil {
		return err
	}
	icon, err := os.ReadFile("assets/icons/app.ico")
	if err != nil {
		return err
	}
	// go-winres reads what its description names from the description's folder.
	if err := os.WriteFile(filepath.Join(r.work, "app.ico"), icon, 0o644); err != nil {
		return err
	}
	type object = map[string]any
	const neutral, english = "0000", "0409"
	description, err := json.Marshal(object{
		"RT_GROUP_ICON": object{"APP": object{neutral: "app.ico"}},
		"RT_MANIFEST": object{"#1": object{english: object{
			"identity":               object{"name": "FinancialCommandCenter", "version": numbers},
			"description":            describes,
			"minimum-os":             "win10",
			"execution-level":        "as invoker",
			"dpi-awareness":          "per monitor v2",
			"use-common-controls-v6": true,
			"long-path-aware":        true,
		}}},
		"RT_VERSION": object{"#1": object{neutral: object{
			"fixed": object{"file_version": numbers, "product_version": numbers},
			"info": object{english: object{
				"CompanyName":      product,
				"FileDescription":  describes,
				"FileVersion":      r.version,
				"InternalName":     strings.TrimSuffix(file, filepath.Ext(file)),
				"OriginalFilename": file,
				"ProductName":      product,
				"ProductVersion":   r.version,
				"Comments":         "commit " + r.commit,
			}},
		}}},
	})
	if err != nil {
		return err
	}
	in := filepath.Join(r.work, "resources.json")
	if err := os.WriteFile(in, description, 0o644); err != nil {
		return err
	}
	return runTool("go-winres", "patch", "--no-backup", "--in", in, r.path(name))
}

// inspect looks at what can be seen of a Windows program without running it.
func inspect(path, goarch string, max int64) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Size() > max {
		return fmt.Errorf("%s has %d bytes, more than %d", path, info.Size(), max)
	}
	file, err := pe.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	machine := map[string]uint16{"amd64": pe.IMAGE_FILE_MACHINE_AMD64, "arm64": pe.IMAGE_FILE_MACHINE_ARM64}[goarch]
	if file.Machine != machine {
		return fmt.Errorf("%s is for machine %#x, not %#x", path, file.Machine, machine)
	}
	if file.Section(".rsrc") == nil {
		return fmt.Errorf("%s has no icon and no properties", path)
	}
	head, ok := file.OptionalHeader.(*pe.OptionalHeader64)
	if !ok {
		return fmt.Errorf("%s is not a 64 bit program", path)
	}
	want := uint16(pe.IMAGE_SUBSYSTEM_WINDOWS_GUI)
	if filepath.Ext(path) == ".com" {
		want = pe.IMAGE_SUBSYSTEM_WINDOWS_CUI
	}
	if head.Subsystem != want {
		return fmt.Errorf("%s has subsystem %d, not %d", path, head.Subsystem, want)
	}
	return nil
}
