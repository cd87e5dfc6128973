package cli

import (
	"context"
	"strconv"
	"strings"

	"financial-command-center/server"
	"financial-command-center/server/desktop"
)

// host is what the pages may do to FCC and this computer. The demo changes only its
// own settings, which are thrown away.
func (a *app) host() server.Host {
	h := server.Host{
		Keystore: a.secretsIn.inUse,
		Places: []server.Place{
			{Name: "Data folder", Path: a.dataDir},
			{Name: "State", Path: a.statePath()},
			{Name: "Log", Path: a.logFile()},
		},
	}
	if !a.scopesGiven {
		h.SaveScopes = func(scopes []string) error { return a.save("scopes", strings.Join(scopes, " ")) }
	}
	if a.mode == server.Demo {
		return h
	}
	h.StartDemo = a.child.link
	if entry, err := assistantEntry(server.AssistantName, a.settings, a.Env); err == nil {
		if clients, err := assistantClients(a.Env); err == nil {
			h.Assistants, h.Assistant = clients, entry
		}
	}
	h.Places = append(h.Places, server.Place{Name: "Settings", Path: a.settingsFile()})
	h.StartAtSignIn = pageSwitch(a.startSwitch)
	h.Notifications = pageSwitch(a.noticeSwitch)
	h.Updates = pageSwitch(a.updateSwitch)
	h.SavePort = a.savePort
	h.NextPort = a.nextPort
	h.PortFixed = a.portFixed
	h.Restart = func() { a.stop(errRestart) }
	h.MoveSecrets = a.moveSecrets
	h.MayMoveSecrets = a.mayMove
	return h
}

// pageSwitch is a switch of the tray's as pages want it: the truth stays where it
// is. It is nil for one that this system does not have.
func pageSwitch(s desktop.Switch) *server.Switch {
	if s.Watch == nil {
		return nil
	}
	return &server.Switch{Set: s.Set, Now: func() bool {
		ctx, stop := context.WithCancel(context.Background())
		defer stop()
		for on := range s.Watch(ctx) {
			return on
		}
		return false
	}}
}

func (a *app) savePort(port int) error {
	if port == 0 {
		return a.save("port", nil)
	}
	return a.save("port", port)
}

// nextPort is what settings.json says now.
func (a *app) nextPort() int {
	values, err := a.saved()
	if err != nil {
		return 0
	}
	port, _ := strconv.Atoi(values["port"]) // no number: the next start refuses it
	return port
}
