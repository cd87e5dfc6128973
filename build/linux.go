package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
)

// linuxProgram is where fcc for Linux lies while it is packed.
func (r *release) linuxProgram() string { return filepath.Join(r.work, "linux", "fcc") }

// linuxPackages makes the archive and the Debian package. Both carry the program,
// its entry for the desktop's menu, its icon, and a systemd unit of the user.
func (r *release) linuxPackages() error {
	if err := r.compile(r.linuxProgram(), ".", "linux", "amd64", ""); err != nil {
		return err
	}
	if err := r.archive(); err != nil {
		return err
	}
	return r.debian()
}

func (r *release) archive() error {
	folder := "fcc_" + r.version + "_linux_amd64"
	var out bytes.Buffer
	squeeze, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return err
	}
	write := tar.NewWriter(squeeze)
	for _, f := range []struct {
		name, from string
		mode       int64
	}{
		{"fcc", r.linuxProgram(), 0o755},
		{"README.md", "README.md", 0o644},
		{"financial-command-center.desktop", "build/linux/financial-command-center.desktop", 0o644},
		{"financial-command-center.png", "assets/icons/app.png", 0o644},
		{"fcc.service", "build/linux/fcc.service", 0o644},
	} {
		data, err := os.ReadFile(f.from)
		if err != nil {
			return err
		}
		head := &tar.Header{
			Typeflag: tar.TypeReg, Name: folder + "/" + f.name, Size: int64(len(data)), Mode: f.mode,
			ModTime: r.time, Uname: "root", Gname: "root", Format: tar.FormatUSTAR,
		}
		if err := write.WriteHeader(head); err != nil {
			return err
		}
		if _, err := write.Write(data); err != nil {
			return err
		}
	}
	if err := write.Close(); err != nil {
		return err
	}
	if err := squeeze.Close(); err != nil {
		return err
	}
	name := folder + ".tar.gz"
	if err := os.WriteFile(r.path(name), out.Bytes(), 0o644); err != nil {
		return err
	}
	return r.made(name)
}

func (r *release) debian() error {
	name := "financial-command-center_" + r.version + "_amd64.deb"
	err := run([]string{
		"GOFLAGS=-trimpath", "CGO_ENABLED=0",
		"VERSION=" + r.version, "PROGRAM=" + r.linuxProgram(),
		fmt.Sprintf("SOURCE_DATE_EPOCH=%d", r.time.Unix()), // the time of all files in it
	}, tool("nfpm", "package", "--packager", "deb", "--config", "build/linux/nfpm.yaml", "--target", r.path(name))...)
	if err != nil {
		return err
	}
	return r.made(name)
}
