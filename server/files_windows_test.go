package server_test

import "io/fs"

// openToOthers: Go shows no access list as mode bits; a file in the user's profile
// has that folder's, which names nobody else but administrators.
func openToOthers(fs.FileInfo) bool { return false }

// racers is how many ask at once. Each has a connection of its own, and Wine looks
// through them all for each of them to say who is at the other end.
const racers = 8
