package wine

import "syscall"

// endWithUs has the kernel end a program when this one is gone, however it ended:
// tests that are killed leave no screen behind, and without one Windows programs
// end too.
func endWithUs() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
