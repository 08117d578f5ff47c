package user

import (
	"slices"

	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/op"
)

// Preference is whether a user is told of an event, and how.
type Preference struct {
	ID          string `json:"id" example:"scan_completed" doc:"The event"`
	Event       string `json:"event" example:"scan_completed"`
	InApp       bool   `json:"in_app" doc:"In the portal and the notifications of the API"`
	Email       bool   `json:"email"`
	Description string `json:"description"`
}

// Key is the resource's id and type; the event is the id.
func (p Preference) Key() (string, string) { return p.Event, "notification_preference" }

// preferences of someone who chose nothing: what needs an answer or ends something comes by mail too.
var preferences = []Preference{
	preference("scan_started", false, false, "A scan has started."),
	preference("scan_completed", true, true, "A scan is done and its findings are there."),
	preference("scan_stopped", true, false, "A scan was stopped before it was done."),
	preference("scan_failed", true, true, "A scan has failed."),
	preference("report_generated", true, false, "A file of a report is ready."),
	preference("vulnerability_found", true, false, "A vulnerability was found that was not there before."),
	preference("vulnerability_fixed", true, false, "A vulnerability is not there any more."),
	preference("exception_activated", true, false, "An exception was approved and is in force."),
	preference("scanner_offline", true, true, "A scanner of the organization is not heard of any more."),
	preference("subscription_expiring", true, true, "A subscription will end soon."),
	preference("pci_status_changed", true, true, "The PCI status of a scan has changed."),
}

func preference(event string, inApp, email bool, description string) Preference {
	return Preference{ID: event, Event: event, InApp: inApp, Email: email, Description: description}
}

type preferenceInput struct {
	Event   string `path:"event" doc:"Name of the event"`
	Channel string `query:"channel" enum:"in_app,email" doc:"Default: both"`
}

// Preferences of a user of the branch, in the order of the events.
func Preferences(tx *db.Tx, user string) ([]Preference, error) {
	chosen, err := chosenPreferences(tx, user)
	if err != nil {
		return nil, err
	}
	all := slices.Clone(preferences)
	for i, p := range all {
		if c, ok := chosen[p.Event]; ok {
			all[i].InApp, all[i].Email = c.InApp, c.Email
		}
	}
	return all, nil
}

func listPreferences(tx *db.Tx, _ *op.Empty) ([]Preference, error) {
	return Preferences(tx, tx.Grant().Principal().User)
}

// turnPreference switches one channel of an event, or both.
func turnPreference(on bool) func(*db.Tx, *preferenceInput) (Preference, error) {
	return func(tx *db.Tx, in *preferenceInput) (Preference, error) {
		u, err := lock(tx, tx.Grant().Principal().User) // two channels that are turned at once are both kept
		if err != nil {
			return Preference{}, err
		}
		all, err := Preferences(tx, u.ID)
		if err != nil {
			return Preference{}, err
		}
		i := slices.IndexFunc(all, func(p Preference) bool { return p.Event == in.Event })
		if i < 0 {
			return Preference{}, fault.Missing()
		}
		before, after := all[i], all[i]
		if in.Channel != "email" {
			after.InApp = on
		}
		if in.Channel != "in_app" {
			after.Email = on
		}
		if before != after {
			tx.Changed(db.Change{Type: "notification_preference", ID: in.Event, Name: in.Event, Before: before, After: after})
		}
		return after, keepPreference(tx, u, after)
	}
}
