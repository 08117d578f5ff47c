package db

import "reflect"

// Tenancy says who may see the rows of a table.
type Tenancy int

// Tenancies.
const (
	NoTenant       Tenancy = iota // no tenant's rows: lookup tables, queues
	OwnRows                       // own rows only
	SharedDown                    // own rows, and those that an organization above shares
	Branch                        // rows of the organization and of all below it
	BranchAndAbove                // Branch; raw SQL may also read the rows of those above, as limits that come from there
)

// Table is one table of the schema with its tenancy.
type Table struct {
	Name    string
	Tenancy Tenancy
	Closed  bool // to callers: only system grants read and write it
	Kept    bool // its rows are added, and neither changed nor deleted by callers
	Derived bool // triggers of the database make its rows, and nobody else
	Outlast bool // its rows outlast their organization; they refer to none of those that do not
	// Parent is the column that names the organization above: a row of such a table is a new organization, which is added where
	// that one is in the branch.
	Parent string
}

var (
	tables   = map[string]Tenancy{}
	narrowed []Table // Closed, Kept or Derived
	children = map[string]string{}
	outlast  = map[string]bool{}
)

// Register declares the tables of the schema; called once, when the schema's package is initialised.
func Register(all ...Table) {
	for _, t := range all {
		tables[t.Name] = t.Tenancy
		if t.Closed || t.Kept || t.Derived {
			narrowed = append(narrowed, t)
		}
		if t.Parent != "" {
			children[t.Name] = t.Parent
		}
		outlast[t.Name] = t.Outlast
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

// Child is a row that is itself an organization; it is added where the one above it is in the branch. Nil is the root, which a
// system grant alone adds.
type Child interface{ Above() *string }

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
