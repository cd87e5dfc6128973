package books

// SpoilContacts has bad called for each contact that is taken in, until good is.
func SpoilContacts(bad func()) (good func()) {
	dead := contacts.dead
	contacts.dead = func(c Contact) bool { bad(); return dead(c) }
	return func() { contacts.dead = dead }
}
