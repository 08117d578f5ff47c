package demo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/vedette/vedette/client"
)

// customer is an organization with its manager, signed in.
type customer struct {
	organization string
	user         string
	password     string
	api          *client.Client
}

// signIn gives a client that acts as the user.
func signIn(ctx context.Context, anyone *client.Client, user, password string) (*client.Client, error) {
	in, err := anyone.Authentication.SignIn(ctx, client.SignInInput{Username: user, Password: password})
	if err != nil {
		return nil, fmt.Errorf("sign in as %s: %w", user, err)
	}
	return anyone.With(client.WithToken(in.Token)), nil
}

// newCustomer is what an operator does for somebody who signed a contract.
func (s *show) newCustomer(ctx context.Context, anyone *client.Client, name string) (*customer, error) {
	slug := strings.ToLower(strings.ReplaceAll(name, " ", "-"))
	o, err := s.operator.Organizations.Create(ctx, client.OrganizationCreate{
		Name: name, CompanyName: name + " Ltd", ContactName: "Jo Doe", ContactTitle: "Owner", ContactPhone: "+1 555 0100",
		ContactEmail: "jo@" + slug + ".example.com", Address: "1 High Street", City: "Springfield", State: "OR", Zipcode: "97477", Country: "US",
		Website: "https://" + slug + ".example.com",
	})
	if err != nil {
		return nil, fmt.Errorf("create the organization %s: %w", name, err)
	}
	c := &customer{organization: name, user: "jo@" + slug + ".example.com", password: newPassword()}
	_, err = s.operator.Users.Create(ctx, client.UserCreate{
		Username: c.user, Email: c.user, Password: c.password, Role: "manager", Organization: o.ID, Confirmed: new(true), FirstName: "Jo", LastName: "Doe",
	})
	if err != nil {
		return nil, fmt.Errorf("create the user %s: %w", c.user, err)
	}
	c.api, err = signIn(ctx, anyone, c.user, c.password)
	return c, err
}

// strangers proves that another customer sees nothing of the first one's.
func (s *show) strangers(ctx context.Context, anyone *client.Client, r *run) error {
	other, err := s.newCustomer(ctx, anyone, "Other Company")
	if err != nil {
		return err
	}
	c := other.api
	lists := map[string]func() (int, error){
		"targets":         func() (int, error) { return count(c.Targets.List(ctx, client.Query{})) },
		"scans":           func() (int, error) { return count(c.Scans.List(ctx, client.Query{})) },
		"reports":         func() (int, error) { return count(c.Reports.List(ctx, client.Query{})) },
		"hosts":           func() (int, error) { return count(c.Hosts.List(ctx, client.Query{})) },
		"vulnerabilities": func() (int, error) { return count(c.Vulnerabilities.List(ctx, client.Query{})) },
	}
	for name, list := range lists {
		n, err := list()
		if err != nil {
			return fmt.Errorf("list %s as another organization: %w", name, err)
		}
		if n != 0 {
			return fmt.Errorf("another organization sees %d %s", n, name)
		}
	}
	shows := map[string]func() error{
		"target":          func() error { return second(c.Targets.Show(ctx, r.target)) },
		"scan":            func() error { return second(c.Scans.Show(ctx, r.scan)) },
		"history":         func() error { return second(c.Scans.ShowHistory(ctx, r.scan, r.history.ID)) },
		"report":          func() error { return second(c.Reports.Show(ctx, r.history.ReportID)) },
		"vulnerabilities": func() error { return second(c.Vulnerabilities.Show(ctx, r.vulnerability)) },
	}
	for name, show := range shows {
		var p *client.Problem
		if err := show(); !errors.As(err, &p) || p.Status != http.StatusNotFound {
			return fmt.Errorf("another organization asks for the %s and gets no 404: %v", name, err)
		}
	}
	s.say("\n%s sees none of it: its lists are empty, the ids are not found.\n", other.organization)
	return nil
}

func count[T any](p *client.Page[T], err error) (int, error) {
	if err != nil {
		return 0, err
	}
	return p.TotalCount, nil
}

func second[T any](_ T, err error) error { return err }
