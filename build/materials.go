package main

import "fmt"

// materials writes what the shipped programs are made of, as CycloneDX. Each list
// is read out of the program itself: what was linked, not what go.mod allows.
func (r *release) materials() error {
	for _, program := range []struct{ goos, path string }{
		{"windows", r.path("windows_amd64/fcc.exe")},
		{"linux", r.linuxProgram()},
	} {
		name := fmt.Sprintf("fcc_%s_%s_amd64.cdx.json", r.version, program.goos)
		// Serial number and time would differ from one build to the next. The long
		// form of a module's address names the system that cyclonedx-gomod runs on.
		err := runTool("cyclonedx-gomod", "bin", "-json", "-noserial", "-notimestamp", "-short-purls", "-std",
			"-version", "v"+r.version, "-output", r.path(name), program.path)
		if err != nil {
			return err
		}
		if err := r.made(name); err != nil {
			return err
		}
	}
	return nil
}
