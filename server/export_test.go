package server

import (
	"context"
	"net"

	"financial-command-center/keystore"
	"financial-command-center/server/store"
)

// Patterns are the rows of the route table.
func (s *Server) Patterns() []string {
	var all []string
	for _, rt := range s.routes() {
		all = append(all, rt.pattern)
	}
	return all
}

// AddKey makes a key as the command does.
func (s *Server) AddKey(ctx context.Context, want store.Key) (keystore.Secret, error) {
	made, _, err := s.addKey(ctx, want)
	return made, err
}

// PeerOf is who is found at conn's other end.
func PeerOf(conn net.Conn) string {
	ask := withPeer(context.Background(), conn).Value(peerKey{}).(func() peer)
	return map[peer]string{peerSame: "same", peerOther: "other", peerUnknown: "unknown"}[ask()]
}

// What the tests need to name.
var (
	LocalPath    = localPath
	Answers      = answers
	MostSessions = mostSessions
)
