package scan

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"github.com/vedette/vedette/internal/domain/scanner"
	"github.com/vedette/vedette/internal/domain/schedule"
	"github.com/vedette/vedette/internal/domain/target"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/op"
	"github.com/vedette/vedette/internal/platform/secret"
)

type wizardInput struct {
	Body struct {
		Scan wizardAttributes `json:"scan"`
	}
}

type wizardAttributes struct {
	Name             string                   `json:"name" maxLength:"200" example:"Shop, quarterly" doc:"Of the scan, its target and its schedule"`
	Hosts            target.HostList          `json:"hosts" doc:"Addresses, networks, ranges, names and URLs: an array, or one text with commas or lines"`
	ExcludeHosts     target.HostList          `json:"exclude_hosts,omitempty"`
	Comment          string                   `json:"comment,omitempty" maxLength:"2000"`
	PortList         string                   `json:"port_list,omitempty" doc:"Id; default: the product's"`
	AliveTest        string                   `json:"alive_test,omitempty" enum:"auto,icmp,tcp,arp,none"`
	MaxParallel      int                      `json:"max_parallel,omitempty" minimum:"0" maximum:"256"`
	Network          op.RefID                 `json:"network,omitempty" doc:"Id of a network (site); default: none"`
	Tags             op.Strings               `json:"tags,omitempty" doc:"Of the target"`
	Credentials      []target.CredentialInput `json:"credentials,omitempty" maxItems:"5" doc:"Needs TARGET_CREATE_CREDENTIALS"`
	ScopeAttestation *target.Attestation      `json:"scope_attestation,omitempty" doc:"Required in pci"`
	Schedule         *wizardSchedule          `json:"schedule,omitempty" doc:"A new schedule"`
	Scanner          op.RefID                 `json:"scanner,omitempty" doc:"VRMS and penetration; PCI fixes it"`
	Profile          string                   `json:"profile,omitempty" enum:"discovery,pci,full,fast,web,penetration" doc:"VRMS and penetration; PCI fixes it"`
	Priority         string                   `json:"priority,omitempty" enum:"low,normal,high"`
	Notify           []string                 `json:"notify,omitempty" maxItems:"50"`
	Start            bool                     `json:"start,omitempty" doc:"Start it at once; needs SCAN_RUN"`
}

type wizardSchedule struct {
	Name            string              `json:"name,omitempty" maxLength:"200" doc:"Default: the scan's"`
	FirstTime       string              `json:"first_time" example:"2030-01-07 22:00:00"`
	Timezone        string              `json:"timezone" example:"Europe/Vienna"`
	Period          int                 `json:"period,omitempty" minimum:"0" maximum:"1000"`
	PeriodUnit      string              `json:"period_unit,omitempty" enum:"once,day,week,month"`
	RRule           string              `json:"rrule,omitempty" maxLength:"500"`
	DurationMinutes int                 `json:"duration_minutes,omitempty" minimum:"0" maximum:"44640"`
	Blackouts       []schedule.Blackout `json:"blackouts,omitempty" maxItems:"20"`
}

// wizard makes a target, a schedule and a scan, and starts it, all or nothing.
type wizard struct {
	Starter
	sealer *secret.Sealer
}

func (w wizard) run(ctx context.Context, open op.Opener, in *wizardInput) (Attributes, error) {
	a := in.Body.Scan
	if err := a.permitted(open.Grant().Principal()); err != nil {
		return Attributes{}, err
	}
	var p prepared
	if a.Start {
		var err error
		if p, err = w.ahead(ctx, open, a); err != nil {
			return Attributes{}, moved(err)
		}
	}
	out, err := op.Answer(ctx, open, func(tx *db.Tx) (Attributes, error) { return w.make(tx, a, p) })
	return out, moved(err)
}

// permitted refuses a caller who could not make the parts one by one.
func (a wizardAttributes) permitted(p access.Principal) error {
	needs := []access.Permission{access.TargetCreate}
	if a.Schedule != nil {
		needs = append(needs, access.ScheduleCreate)
	}
	if a.Start {
		needs = append(needs, access.ScanRun)
	}
	for _, code := range needs {
		if !p.Holds(code) {
			return fault.New(fault.Forbidden, "This needs %s too.", code).Coded("permission_missing")
		}
	}
	return nil
}

// ahead resolves the names of a target that is not there yet, outside any transaction.
func (w wizard) ahead(ctx context.Context, open op.Opener, a wizardAttributes) (prepared, error) {
	p := prepared{subject: subject{target: &target.Target{Hosts: a.Hosts, ExcludeHosts: a.ExcludeHosts}}}
	if _, err := target.ReadScope(a.Hosts, a.ExcludeHosts); err != nil {
		return p, err
	}
	if network := string(a.Network); network != "" {
		p.target.NetworkID = &network
	}
	err := open.Read(ctx, func(tx *db.Tx) error {
		var err error
		if a.Scanner != "" {
			p.scanner, err = scanner.ByID(tx, string(a.Scanner))
		} else {
			p.scanner, err = standardScanner(tx, tx.Product(), p.target)
		}
		return err
	})
	if err != nil {
		return p, err
	}
	p.hosts, p.notes, err = w.resolve(ctx, p.subject, open.Grant().Organization())
	return p, err
}

func (w wizard) make(tx *db.Tx, a wizardAttributes, p prepared) (Attributes, error) {
	t, err := target.Create(tx, w.Rules, w.sealer, target.CreateAttributes{Name: a.Name, Hosts: a.Hosts, ExcludeHosts: a.ExcludeHosts, Comment: a.Comment,
		PortList: a.PortList, AliveTest: a.AliveTest, MaxParallel: a.MaxParallel, Credentials: a.Credentials, ScopeAttestation: a.ScopeAttestation,
		Network: string(a.Network), Tags: a.Tags})
	if err != nil {
		return Attributes{}, err
	}
	body := &createInput{}
	body.Body.Scan = createAttributes{Name: a.Name, Target: op.RefID(t.ID), Scanner: a.Scanner, Profile: a.Profile, Priority: a.Priority, Comment: a.Comment, Notify: a.Notify}
	if n := a.Schedule; n != nil {
		made, err := schedule.Create(tx, schedule.CreateAttributes{Name: cmp.Or(n.Name, a.Name), FirstTime: n.FirstTime, Timezone: n.Timezone, Period: n.Period,
			PeriodUnit: n.PeriodUnit, RRule: n.RRule, DurationMinutes: n.DurationMinutes, Blackouts: n.Blackouts})
		if err != nil {
			return Attributes{}, err
		}
		body.Body.Scan.Schedule = op.RefID(made.ID)
	}
	out, err := create(tx, body)
	if err != nil || !a.Start {
		return out, err
	}
	p.scan, p.target = &Scan{ID: out.ID}, t
	if err := w.commit(tx, p, cause{}); err != nil {
		return Attributes{}, err
	}
	return show(tx, out.ID)
}

// moved lets the faults of target and schedule point at the wizard's own attributes.
func moved(err error) error {
	var problem *op.Problem
	var f *fault.Fault
	var details []fault.Detail
	switch {
	case errors.As(err, &problem):
		details = problem.Errors
	case errors.As(err, &f):
		details = f.Details
	}
	for i, d := range details {
		if rest, ok := strings.CutPrefix(d.Pointer, "/target/"); ok {
			details[i].Pointer = "/scan/" + rest
		} else if rest, ok := strings.CutPrefix(d.Pointer, "/schedule/"); ok {
			details[i].Pointer = "/scan/schedule/" + rest
		}
	}
	return err
}

// WizardOperations make a target, schedule and scan in one call.
func WizardOperations(s Starter, sealer *secret.Sealer) []op.Operation {
	w := wizard{s, sealer}
	return op.In("Scans", "",
		op.LongCreate("createScanFromWizard", "Create Scan from Wizard", "/v2/scans/wizard", access.ScanCreate, w.run).MakesAt("/v2/scans").Conflicts().
			Says("The attributes of target, schedule and scan in one: all are made, and with `start` the scan is started, or nothing is."),
	)
}
