package xerosim

import (
	"fmt"
	"time"
)

// What people do in Xero while an app looks on. Organisations go by name or tenant
// id, invoices and contacts by id, number or name.

// change opens an organisation's books for do.
func (s *Sim) change(organisation string, do func(b *books, now time.Time) error) error {
	s.mu.Lock()
	o, err := s.organisation(organisation)
	if err != nil {
		s.mu.Unlock()
		return err
	}
	if o.profile == nil {
		s.mu.Unlock()
		return fmt.Errorf("simulated Xero: %s has no books", o.name)
	}
	if s.api.books[o.tenantID] == nil {
		s.api.books[o.tenantID] = &shelf{}
	}
	on := &admission{organisation: o, shelf: s.api.books[o.tenantID]}
	s.mu.Unlock()
	b := s.open(on)
	b.lock()
	defer b.mu.Unlock()
	if err := do(b, s.Now()); err != nil {
		return fmt.Errorf("simulated Xero: %s: %w", o.name, err)
	}
	return nil
}

// AddContact adds a contact and returns its id.
func (s *Sim) AddContact(organisation string, c LedgerContact) (id string, err error) {
	err = s.change(organisation, func(b *books, now time.Time) error {
		made, err := b.typeContact(c, now)
		if err == nil {
			id = made.id
		}
		return err
	})
	return id, err
}

// AddInvoice adds an invoice and returns its id. Its contact is made if there is
// none of that name.
func (s *Sim) AddInvoice(organisation string, i LedgerInvoice) (id string, err error) {
	err = s.change(organisation, func(b *books, now time.Time) error {
		made, err := b.typeInvoice(i, now)
		if err == nil {
			id = made.id
		}
		return err
	})
	return id, err
}

// Pay pays an invoice, all of it if the amount is empty, into the first bank
// account if none is named. It returns the payment's id.
func (s *Sim) Pay(organisation string, p LedgerPayment) (id string, err error) {
	err = s.change(organisation, func(b *books, now time.Time) error {
		made, err := b.typePayment(p, now)
		if err == nil {
			id = made.id
		}
		return err
	})
	return id, err
}

// Void voids an invoice on which nothing was paid or credited.
func (s *Sim) Void(organisation, invoice string) error {
	return s.edit(organisation, invoice, func(i *invoiceEdit) error {
		if i.status != "AUTHORISED" || len(i.payments) > 0 || len(i.credits) > 0 {
			return fmt.Errorf("%s cannot be voided", i.number)
		}
		i.status = "VOIDED"
		return nil
	})
}

// SetDue moves the day on which an invoice is due, to so many days from today.
// UpdatedDateUTC stays where something was paid already.
func (s *Sim) SetDue(organisation, invoice string, days int) error {
	return s.edit(organisation, invoice, func(i *invoiceEdit) error {
		i.due, i.quiet = i.today.AddDate(0, 0, days), i.settledInPart()
		return nil
	})
}

// SetSent marks an invoice as sent to its contact, or not. UpdatedDateUTC stays
// where something was paid already.
func (s *Sim) SetSent(organisation, invoice string, sent bool) error {
	return s.edit(organisation, invoice, func(i *invoiceEdit) error {
		i.sent, i.quiet = sent, i.settledInPart()
		return nil
	})
}

// settledInPart: Xero does not date changes of DueDate and SentToContact then
// (developer.xero.com/documentation/api/accounting/requests-and-responses).
func (i *invoice) settledInPart() bool { return i.paid.IsPositive() || i.credited.IsPositive() }

type invoiceEdit struct {
	*invoice
	today time.Time
	quiet bool // UpdatedDateUTC stays
}

func (s *Sim) edit(organisation, invoice string, do func(*invoiceEdit) error) error {
	return s.change(organisation, func(b *books, now time.Time) error {
		i := b.findInvoice(invoice)
		if i == nil {
			return fmt.Errorf("there is no invoice %q", invoice)
		}
		e := invoiceEdit{invoice: i, today: b.profile.today(now)}
		if err := do(&e); err != nil {
			return err
		}
		if !e.quiet {
			i.updated = now
		}
		return nil
	})
}

// RenameContact gives a contact another name.
func (s *Sim) RenameContact(organisation, contact, name string) error {
	return s.change(organisation, func(b *books, now time.Time) error {
		c, err := b.mustContact(contact)
		if err != nil {
			return err
		}
		if name == "" || b.contactCalled(name) != nil {
			return fmt.Errorf("a contact cannot be called %q", name)
		}
		c.name, c.updated = name, now
		return nil
	})
}

// SetRoles makes a contact a customer, a supplier, both or none. UpdatedDateUTC
// stays.
func (s *Sim) SetRoles(organisation, contact string, customer, supplier bool) error {
	return s.change(organisation, func(b *books, _ time.Time) error {
		c, err := b.mustContact(contact)
		if err == nil {
			c.customer, c.supplier = customer, supplier
		}
		return err
	})
}

func (b *books) mustContact(key string) (*contact, error) {
	c := b.findContact(key)
	if c == nil {
		c = b.contactCalled(key)
	}
	if c == nil {
		return nil, fmt.Errorf("there is no contact %q", key)
	}
	return c, nil
}
