package db

import "reflect"

// Tenancy says who may see the rows of a table.
type Tenancy int

// Tenancies.
const (
	NoTenant   Tenancy = iota // no tenant's rows: lookup tables, queues
	OwnRows                   // own rows only
	SharedDown                // own rows, and those that an organization above shares
	Branch                    // rows of the organization and of all below it
)

// Table is one table of the schema with its tenancy.
type Table struct {
	Name    string
	Tenancy Tenancy
	Closed  bool // to callers: only system grants read and write it
	Kept    bool // its rows are added, and neither changed nor deleted by callers
}

var (
	tables   = map[string]Tenancy{}
	narrowed []Table // Closed or Kept
)

// Register declares the tables of the schema; called once, when the schema's package is initialised.
func Register(all ...Table) {
	for _, t := range all {
		tables[t.Name] = t.Tenancy
		if t.Closed || t.Kept {
			narrowed = append(narrowed, t)
		}
	}
}

// TenancyOf a table; NoTenant for one that was not registered.
func TenancyOf(table string) Tenancy { return tables[table] }

// Owned is embedded in the rows of an organization's own tables.
type Owned struct {
	OrganizationID string `bun:"organization_id,pk"`
}

// Shared is embedded in the rows that an organization may share with all below it.
type Shared struct {
	OrganizationID string `bun:"organization_id,pk"`
	Shared         bool   `bun:"shared"`
}

// Branched is embedded in the rows that are seen from every organization above: organizations, users, subscriptions.
type Branched struct {
	OrganizationID string `bun:"organization_id,pk"`
}

type tenant interface{ tenancy() Tenancy }

func (*Owned) tenancy() Tenancy    { return OwnRows }
func (*Shared) tenancy() Tenancy   { return SharedDown }
func (*Branched) tenancy() Tenancy { return Branch }

// tenantOf looks through pointers and slices to the row type.
func tenantOf(model any) (tenant, bool) {
	t := reflect.TypeOf(model)
	for t != nil && (t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice) {
		t = t.Elem()
	}
	if t == nil || t.Kind() != reflect.Struct {
		return nil, false
	}
	row, ok := reflect.New(t).Interface().(tenant)
	return row, ok
}
