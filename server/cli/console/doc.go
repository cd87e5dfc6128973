// Command console is fcc.com, which stands beside fcc.exe on Windows. A program
// has a console there or it has none, as its file says: fcc.exe has none, or one
// would open with each double click, and so a shell neither waits for it nor sees
// what it prints. The shells find fcc.com first (PATHEXT has .COM before .EXE);
// it starts fcc.exe with its own arguments and handles, waits, and returns its
// exit code. devenv.com has stood beside devenv.exe for the same reason.
//
// A handle that is a file or a pipe goes to fcc.exe as it is. A handle of the
// console does not: fcc.exe is not attached to that console, and what a program
// may do with the handle then is nowhere promised. There fcc.com stands between,
// and copies. So it reads the console's lines while fcc.exe runs, whether fcc.exe
// wants them or not.
//
// fcc.exe ends in order when fcc.com does: at Ctrl-C, when the window is closed,
// and when fcc.com is killed. fcc.exe gets no console events, but holds the
// reading end of a pipe, named by FCC_TERMINAL, and the end of the pipe is the
// signal. The second Ctrl-C ends fcc.exe at once. That is the rule for all
// commands: an FCC that shall outlive the terminal is started from the Start menu.
package main
