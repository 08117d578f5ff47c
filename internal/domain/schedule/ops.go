package schedule

import (
	"net/http"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/clock"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/filter"
	"github.com/vedette/vedette/internal/platform/op"
)

// Attributes of a schedule on the wire. Scans are counted by a noun above, through Enrich.
type Attributes struct {
	ID              string      `json:"id"`
	Name            string      `json:"name" example:"Every Monday"`
	FirstTime       string      `json:"first_time" example:"2030-01-07 22:00:00" doc:"On the clock of the timezone"`
	Timezone        string      `json:"timezone" example:"Europe/Vienna"`
	Period          *int        `json:"period"`
	PeriodUnit      *string     `json:"period_unit" enum:"once,day,week,month"`
	RRule           *string     `json:"rrule" example:"FREQ=WEEKLY;BYDAY=MO" doc:"RFC 5545; instead of the period"`
	DurationMinutes int         `json:"duration_minutes" doc:"What it starts is stopped after that time; 0: never"`
	Blackouts       []Blackout  `json:"blackouts"`
	Comment         string      `json:"comment"`
	AppType         string      `json:"app_type" enum:"pci,vrms,penetration" doc:"The product that it belongs to"`
	NextTime        *clock.Time `json:"next_time" format:"date-time" doc:"null: it fires no more"`
	ScansCount      int         `json:"scans_count"`
	CreatedAt       clock.Time  `json:"created_at" format:"date-time"`
	UpdatedAt       clock.Time  `json:"updated_at" format:"date-time"`
}

// Key is the resource's id and type.
func (a Attributes) Key() (string, string) { return a.ID, "schedule" }

// Enrich fills in what nouns above know of schedules: scans_count. app sets it.
type Enrich func(tx *db.Tx, all []Attributes) error

// CreateAttributes of a schedule.
type CreateAttributes struct {
	Name            string     `json:"name" maxLength:"200" example:"Every Monday"`
	FirstTime       string     `json:"first_time" example:"2030-01-07 22:00:00" doc:"YYYY-MM-DD hh:mm:ss on the clock of the timezone"`
	Timezone        string     `json:"timezone" example:"Europe/Vienna" doc:"IANA name"`
	Period          int        `json:"period,omitempty" minimum:"0" maximum:"1000" doc:"Every so many units; default 1"`
	PeriodUnit      string     `json:"period_unit,omitempty" enum:"once,day,week,month" doc:"Default once; month on day 29 to 31: the last day of shorter months"`
	RRule           string     `json:"rrule,omitempty" maxLength:"500" example:"FREQ=WEEKLY;BYDAY=MO,TH" doc:"RFC 5545, instead of period and period_unit; at most once an hour"`
	DurationMinutes int        `json:"duration_minutes,omitempty" minimum:"0" maximum:"44640" doc:"Stop what it starts after that time; 0: never"`
	Blackouts       []Blackout `json:"blackouts,omitempty" maxItems:"20" doc:"Windows in which it starts nothing"`
	Comment         string     `json:"comment,omitempty" maxLength:"2000"`
}

// UpdateAttributes of a schedule; what is not sent stays.
type UpdateAttributes struct {
	Name            op.Field[string]     `json:"name,omitempty" maxLength:"200"`
	FirstTime       op.Field[string]     `json:"first_time,omitempty"`
	Timezone        op.Field[string]     `json:"timezone,omitempty"`
	Period          op.Field[int]        `json:"period,omitempty" minimum:"0" maximum:"1000"`
	PeriodUnit      op.Field[string]     `json:"period_unit,omitempty" doc:"once, day, week or month"`
	RRule           op.Field[string]     `json:"rrule,omitempty" maxLength:"500" doc:"Replaces the period; null: back to the period"`
	DurationMinutes op.Field[int]        `json:"duration_minutes,omitempty" minimum:"0" maximum:"44640"`
	Blackouts       op.Field[[]Blackout] `json:"blackouts,omitempty" maxItems:"20"`
	Comment         op.Field[string]     `json:"comment,omitempty" maxLength:"2000"`
}

type createInput struct {
	Body struct {
		Schedule CreateAttributes `json:"schedule"`
	}
}

type updateInput struct {
	op.Path
	Body struct {
		Schedule UpdateAttributes `json:"schedule"`
	}
}

var columns = filter.Columns{Date: "created_at", Sort: "name", All: []filter.Column{
	{Name: "id", SQL: "?TableAlias.id", Kind: filter.ID, NoSort: true},
	{Name: "name", SQL: "?TableAlias.name", Search: true},
	{Name: "comment", SQL: "?TableAlias.comment", Search: true, NoSort: true},
	{Name: "timezone", SQL: "?TableAlias.timezone"},
	{Name: "period_unit", SQL: "?TableAlias.period_unit", Kind: filter.Word, Words: Units},
	{Name: "next_time", SQL: "?TableAlias.next_at", Kind: filter.Moment, Null: true},
	{Name: "created_at", SQL: "?TableAlias.created_at", Kind: filter.Moment},
	{Name: "updated_at", SQL: "?TableAlias.updated_at", Kind: filter.Moment},
}}

// Operations of the noun. enrich may be nil.
func Operations(enrich Enrich) []op.Operation {
	return op.In("Schedules", "",
		op.List("listSchedules", "List Schedules", "/v2/schedules", access.ScheduleAccess, columns,
			func(tx *db.Tx, _ *op.Empty, q filter.Query) (filter.Page[Attributes], error) {
				rows, meta, err := fetch(tx, q)
				if err != nil {
					return filter.Page[Attributes]{}, err
				}
				all, err := represent(tx, rows, enrich)
				return filter.Page[Attributes]{Rows: all, Meta: meta}, err
			}).Says("The schedules of the active product."),
		op.Create("createSchedule", "Create Schedule", "/v2/schedules", access.ScheduleCreate, func(tx *db.Tx, in *createInput) (Attributes, error) {
			s, err := Create(tx, in.Body.Schedule)
			if err != nil {
				return Attributes{}, err
			}
			return one(tx, s, enrich)
		}),
		op.Update("updateSchedule", "Update a schedule", "/v2/schedules/{id}", access.ScheduleCreate, func(tx *db.Tx, in *updateInput) (Attributes, error) {
			s, err := update(tx, in.ID, in.Body.Schedule)
			if err != nil {
				return Attributes{}, err
			}
			return one(tx, s, enrich)
		}),
		op.Show("showSchedule", "Show a schedule", "/v2/schedules/{id}", access.ScheduleAccess, func(tx *db.Tx, in *op.Path) (Attributes, error) {
			s, err := ByID(tx, in.ID)
			if err != nil {
				return Attributes{}, err
			}
			return one(tx, s, enrich)
		}),
		op.Delete("deleteSchedule", "Delete a schedule", "/v2/schedules/{id}", access.ScheduleCreate, "schedule", func(tx *db.Tx, in *op.Path) error {
			return deleteAll(tx, []string{in.ID}, enrich)
		}).Conflicts(),
		op.Bulk("deleteSchedules", "Delete schedules", http.MethodDelete, "/v2/schedules", access.ScheduleCreate, "schedule", func(tx *db.Tx, ids []string) error {
			return deleteAll(tx, ids, enrich)
		}).Conflicts(),
		op.Long("calculateFirstTime", "Calculate the first time of a schedule", http.MethodPost, "/v2/schedules/first_time", access.ScheduleAccess, firstTime).
			Says("The first firing that is not in the past, or not before `after`. Without `first_time` the schedule begins then. Both are null where there is none."),
		op.Long("calculateNextTimes", "Calculate the next times of a schedule", http.MethodPost, "/v2/schedules/next_times", access.ScheduleAccess, nextTimes).
			Says("The firings from now, or from `after`, on the schedule's clock and in UTC; blackouts are taken off. Fewer where the schedule ends."),
	)
}

func one(tx *db.Tx, s *Schedule, enrich Enrich) (Attributes, error) {
	all, err := represent(tx, []Schedule{*s}, enrich)
	if err != nil {
		return Attributes{}, err
	}
	return all[0], nil
}

func represent(tx *db.Tx, rows []Schedule, enrich Enrich) ([]Attributes, error) {
	all := make([]Attributes, len(rows))
	for i, s := range rows {
		all[i] = s.attributes()
	}
	if enrich == nil {
		return all, nil
	}
	return all, enrich(tx, all)
}

func (s Schedule) attributes() Attributes {
	a := Attributes{ID: s.ID, Name: s.Name, FirstTime: s.FirstTime, Timezone: s.Timezone, DurationMinutes: s.DurationMinutes, Blackouts: s.Blackouts,
		Comment: s.Comment, AppType: s.Product, NextTime: s.NextAt, CreatedAt: s.CreatedAt, UpdatedAt: s.UpdatedAt}
	if a.Blackouts == nil {
		a.Blackouts = []Blackout{}
	}
	if s.RRule != "" {
		a.RRule = &s.RRule
	} else {
		a.Period, a.PeriodUnit = &s.Period, &s.PeriodUnit
	}
	return a
}
