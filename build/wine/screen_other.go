//go:build !linux

package wine

import "syscall"

func endWithUs() *syscall.SysProcAttr { return nil }
