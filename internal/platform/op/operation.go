// Package op declares the operations of the API. One declaration gives the route, the OpenAPI document, validation, the
// permission check, the transaction, the audit entry and the answer's shape. An operation without a permission does
// not compile; one with an unknown permission does not start.
package op

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/filter"
)

// Operation is one row of the API's table.
type Operation struct {
	ID         string // verb and noun in lowerCamel; never changes
	Title      string
	Group      string // the OpenAPI tag
	Subgroup   string
	Method     string
	Path       string
	Permission access.Permission
	Status     int
	Columns    *filter.Columns // of a list
	Text       string          // what a reader must know besides title and attributes

	notImpersonated bool
	notNested       bool
	enrolls         bool
	uploads         bool   // takes a form with a file
	exports         bool   // a list that is always CSV
	home            string // path of what a create makes, where that is not the create's own
	errors          []int
	register        func(*Mount, Operation)
}

// Key is what a resource's attributes tell of themselves: its id and its type, the singular noun.
type Key interface{ Key() (id, kind string) }

// In puts operations into a group of the API.
func In(group, subgroup string, all ...Operation) []Operation {
	for i := range all {
		all[i].Group, all[i].Subgroup = group, subgroup
	}
	return all
}

// NotImpersonated refuses the operation to an impersonator (403).
func (o Operation) NotImpersonated() Operation {
	o.notImpersonated = true
	return o
}

// Enrolls lets a caller in who may only turn a second factor on.
func (o Operation) Enrolls() Operation {
	o.enrolls = true
	return o
}

// MakesAt names the path below which stands what a create makes, where that is not the create's own.
func (o Operation) MakesAt(path string) Operation {
	o.home = path
	return o
}

// Impersonated is the status that refuses an impersonator; 0: the operation does not.
func (o Operation) Impersonated() int {
	switch {
	case o.notNested:
		return http.StatusConflict
	case o.notImpersonated:
		return http.StatusForbidden
	}
	return 0
}

// NotNested answers an impersonator 409: what the operation begins, it is in the midst of.
func (o Operation) NotNested() Operation {
	o.notNested = true
	return o.Conflicts()
}

// Says adds a description for the OpenAPI document.
func (o Operation) Says(text string) Operation {
	o.Text = text
	return o
}

// Conflicts documents that the operation answers 409 where the state of the resource forbids it.
func (o Operation) Conflicts() Operation {
	o.errors = append(o.errors, http.StatusConflict)
	return o
}

// List answers a page. The handler gets the parsed query and hands it to filter.Fetch.
func List[I any, A Key](id, title, path string, p access.Permission, columns filter.Columns, h func(*db.Tx, *I, filter.Query) (filter.Page[A], error)) Operation {
	o := operation(id, title, http.MethodGet, path, p)
	o.Columns = &columns
	o.register = func(m *Mount, o Operation) { registerList(m, o, h) }
	return o
}

// Short is a List of few rows that are made, not kept: it has pages, and no columns to filter or sort by.
func Short[I any, A Key](id, title, path string, p access.Permission, h func(*db.Tx, *I) ([]A, error)) Operation {
	return List(id, title, path, p, filter.Columns{}, func(tx *db.Tx, in *I, q filter.Query) (filter.Page[A], error) {
		all, err := h(tx, in)
		if err != nil {
			return filter.Page[A]{}, err
		}
		return filter.Cut(q, all, func(a A) string {
			id, _ := a.Key()
			return id
		}), nil
	})
}

// Export is a List that always answers CSV: all rows, without pages.
func Export[I any, A Key](id, title, path string, p access.Permission, columns filter.Columns, h func(*db.Tx, *I, filter.Query) (filter.Page[A], error)) Operation {
	o := List(id, title, path, p, columns, h)
	o.exports = true
	return o
}

// Show answers one resource from a read-only transaction.
func Show[I any, A Key](id, title, path string, p access.Permission, h func(*db.Tx, *I) (A, error)) Operation {
	o := operation(id, title, http.MethodGet, path, p)
	o.register = func(m *Mount, o Operation) { registerOne(m, o, m.read, h) }
	return o
}

// Create answers 201 with the resource and its Location.
func Create[I any, A Key](id, title, path string, p access.Permission, h func(*db.Tx, *I) (A, error)) Operation {
	o := operation(id, title, http.MethodPost, path, p)
	o.Status = http.StatusCreated
	o.register = func(m *Mount, o Operation) { registerOne(m, o, m.write, h) }
	return o
}

// CreateBare answers 201 with Location and no body, unless the client asks for it with Prefer: return=representation
// (RFC 7240).
func CreateBare[I any, A Key](id, title, path string, p access.Permission, h func(*db.Tx, *I) (A, error)) Operation {
	o := operation(id, title, http.MethodPost, path, p)
	o.Status = http.StatusCreated
	o.register = func(m *Mount, o Operation) { registerBare(m, o, h) }
	return o
}

// Update changes the attributes that are sent and answers the resource.
func Update[I any, A Key](id, title, path string, p access.Permission, h func(*db.Tx, *I) (A, error)) Operation {
	o := operation(id, title, http.MethodPut, path, p)
	o.register = func(m *Mount, o Operation) { registerOne(m, o, m.write, h) }
	return o
}

// Action does something to one resource and answers it.
func Action[I any, A Key](id, title, method, path string, p access.Permission, h func(*db.Tx, *I) (A, error)) Operation {
	o := operation(id, title, method, path, p)
	o.register = func(m *Mount, o Operation) { registerOne(m, o, m.write, h) }
	return o
}

// Delete removes the resource of the path and answers its id and type.
func Delete[I Identified](id, title, path string, p access.Permission, kind string, h func(*db.Tx, *I) error) Operation {
	o := operation(id, title, http.MethodDelete, path, p)
	o.register = func(m *Mount, o Operation) { registerDelete(m, o, kind, h) }
	return o
}

// Bulk acts on one to a thousand resources named in the body or by ?ids=, all or nothing, and answers their ids and type.
func Bulk(id, title, method, path string, p access.Permission, kind string, h func(*db.Tx, []string) error) Operation {
	o := operation(id, title, method, path, p)
	o.register = func(m *Mount, o Operation) { registerBulk(m, o, kind, h) }
	return o
}

// Get answers a flat object, or one that brings its own data, from a read-only transaction.
func Get[I, O any](id, title, path string, p access.Permission, h func(*db.Tx, *I) (O, error)) Operation {
	o := operation(id, title, http.MethodGet, path, p)
	o.register = func(m *Mount, o Operation) { registerFlat(m, o, m.read, h) }
	return o
}

// Quiet answers 200 with a body only where the handler says so.
func Quiet[I, O any](id, title, path string, p access.Permission, h func(*db.Tx, *I) (body O, show bool, err error)) Operation {
	o := operation(id, title, http.MethodGet, path, p)
	o.register = func(m *Mount, o Operation) { registerQuiet(m, o, h) }
	return o
}

// Do is Get in a write transaction.
func Do[I, O any](id, title, method, path string, p access.Permission, h func(*db.Tx, *I) (O, error)) Operation {
	o := operation(id, title, method, path, p)
	o.register = func(m *Mount, o Operation) { registerFlat(m, o, m.write, h) }
	return o
}

// Long gets no transaction but an opener bound to the caller's grant, for work that must not happen inside one:
// password hashing, network, files.
func Long[I, O any](id, title, method, path string, p access.Permission, h func(context.Context, Opener, *I) (O, error)) Operation {
	o := operation(id, title, method, path, p)
	o.register = func(m *Mount, o Operation) { registerLong(m, o, h) }
	return o
}

// LongCreate is Long for a resource: 201 with Location.
func LongCreate[I any, A Key](id, title, path string, p access.Permission, h func(context.Context, Opener, *I) (A, error)) Operation {
	o := operation(id, title, http.MethodPost, path, p)
	o.Status = http.StatusCreated
	o.register = func(m *Mount, o Operation) { registerLongOne(m, o, h) }
	return o
}

// LongAction is Long for one resource: 200.
func LongAction[I any, A Key](id, title, method, path string, p access.Permission, h func(context.Context, Opener, *I) (A, error)) Operation {
	o := operation(id, title, method, path, p)
	o.register = func(m *Mount, o Operation) { registerLongOne(m, o, h) }
	return o
}

// Download streams a file.
func Download[I any](id, title, path string, p access.Permission, h func(context.Context, Opener, *I) (*File, error)) Operation {
	o := operation(id, title, http.MethodGet, path, p)
	o.register = func(m *Mount, o Operation) { registerDownload(m, o, h) }
	return o
}

func operation(id, title, method, path string, p access.Permission) Operation {
	return Operation{ID: id, Title: title, Method: method, Path: path, Permission: p, Status: http.StatusOK}
}

// Identified inputs carry the id of the path.
type Identified interface{ PathID() string }

// Path is embedded in the input of an operation on one resource.
type Path struct {
	ID string `path:"id" doc:"Id of the resource (UUID)"`
}

// PathID is the id in the path.
func (p Path) PathID() string { return p.ID }

// Empty is the input of an operation that takes nothing.
type Empty struct{}

// Opener opens short transactions for a Long operation; Write also keeps the audit entry. What must not happen twice goes
// through Answer.
type Opener struct {
	mount     *Mount
	operation Operation
	grant     access.Grant
}

// Grant that the opener is bound to.
func (o Opener) Grant() access.Grant { return o.grant }

// Read opens a read-only transaction.
func (o Opener) Read(ctx context.Context, fn func(*db.Tx) error) error {
	return o.mount.DB.Read(ctx, o.grant, fn)
}

// Write opens a transaction whose changes are audited.
func (o Opener) Write(ctx context.Context, fn func(*db.Tx) error) error {
	return o.mount.DB.Write(ctx, o.grant, func(tx *db.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return o.mount.audit(ctx, tx, o.operation)
	})
}

// Answer is Write for the transaction that makes the answer of a LongCreate or LongAction: the answer is kept in it for the
// request's idempotency key.
func Answer[A Key](ctx context.Context, o Opener, fn func(*db.Tx) (A, error)) (A, error) {
	var out A
	err := o.mount.write(ctx, o.operation, func(tx *db.Tx) (any, error) {
		var err error
		if out, err = fn(tx); err != nil {
			return nil, err
		}
		full := answerOne(o.operation, out)
		return located{full.Location, full.Body}, nil
	})
	return out, err
}

// Operations of many nouns, in the order of the API's groups.
func Operations(nouns ...[]Operation) []Operation {
	var all []Operation
	for _, n := range nouns {
		all = append(all, n...)
	}
	return all
}

var _ huma.StatusError = (*Problem)(nil)
