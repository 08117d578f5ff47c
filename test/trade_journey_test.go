package test

import (
	"bytes"
	"context"
	"encoding/base64"
	"image"
	"image/png"
	"io"
	"net/http"
	"slices"

	"github.com/vedette/vedette/client"
)

// trade: what a partner sells to its customer, within what it has bought itself.
func (p *people) trade() {
	p.Helper()
	ctx := context.Background()
	plan := ok(p.operator.Plans.Create(ctx, client.PlanCreate{Code: "partners", Name: "Partners", Product: "vrms", Price: "900.00",
		Features: map[string]client.PlanFeature{"number_of_ips": {Limit: new(100)}, "webhooks": {Limit: new(3)}}}))(p)
	_, err := p.operator.Organizations.Unsubscribe(ctx, p.ring, client.UnsubscribeOrganizationInput{Plan: "vrms-default"})
	p.wantRefused("what a customer leans on is ended", err, http.StatusConflict)
	ended := ok(p.partner.Organizations.Unsubscribe(ctx, p.shop, client.UnsubscribeOrganizationInput{Plan: "vrms-default", Reason: "ours instead"}))(p)
	if ended.Status != "canceled" || ended.CancellationReason != "ours instead" || ended.Organization.ID != p.shop {
		p.Errorf("ended: %+v", ended)
	}
	ok(p.operator.Organizations.Unsubscribe(ctx, p.ring, client.UnsubscribeOrganizationInput{Plan: "vrms-default"}))(p)
	bought := ok(p.partner.Organizations.Subscribe(ctx, p.ring, client.SubscribeInput{Plan: plan.Code, Interval: "yearly"}))(p)
	if bought.Plan.ID != plan.ID || bought.Plan.Product != "vrms" || bought.Plan.Open || bought.Price != "900.00" || bought.Interval != "yearly" || bought.EndDate.IsZero() {
		p.Errorf("bought: %+v", bought)
	}
	own := ok(p.partner.Plans.Create(ctx, client.PlanCreate{Code: "ring-open", Name: "Ring open", Product: "vrms", Price: "5.00", Open: new(true)}))(p)
	ips := func(n int) map[string]client.PlanFeature {
		return map[string]client.PlanFeature{"number_of_ips": {Limit: new(n)}, "rescan": {Active: new(false)}}
	}
	_, err = p.partner.Organizations.SubscribeBelow(ctx, p.shop, client.SubscribeBelowInput{Plan: own.Code, Features: ips(101)})
	p.wantRefused("more than the partner has", err, http.StatusUnprocessableEntity)
	sold := ok(p.partner.Organizations.SubscribeBelow(ctx, p.shop, client.SubscribeBelowInput{Plan: own.Code, Features: ips(50), Price: "4.00", Partner: new(true)}))(p)
	if !sold.Plan.Open || sold.Price != "4.00" || sold.Status != "active" || !sold.Partner || *sold.Usage.NumberOfIps.Limit != 50 || sold.Usage.NumberOfIps.Used != 0 {
		p.Errorf("sold: %+v", sold)
	}
	p.changes(sold)
	p.organizations()
	p.keys()
}

// changes of a subscription while it lasts.
func (p *people) changes(sold *client.PlanSubscription) {
	p.Helper()
	ctx := context.Background()
	o := p.partner.Organizations
	if s := ok(o.UpdateSubscription(ctx, p.shop, sold.ID, client.SubscriptionUpdate{Price: client.Set("4.50"), AutoRenewal: client.Set(false)}))(p); s.Price != "4.50" || s.AutoRenewal ||
		len(s.PriceHistory) != 2 || s.PriceHistory[0].Price != "4.00" {
		p.Errorf("updated: %+v", s)
	}
	s := ok(o.AssignSubscriptionFeatures(ctx, p.shop, sold.ID, client.AssignSubscriptionFeaturesInput{Features: map[string]client.PlanFeature{"webhooks": {Limit: new(2)}}}))(p)
	if *s.Features["webhooks"].Limit != 2 || *s.Features["number_of_ips"].Limit != 50 {
		p.Errorf("assigned: %+v", s.Features)
	}
	s = ok(o.RevokeSubscriptionFeatures(ctx, p.shop, sold.ID, client.RevokeSubscriptionFeaturesInput{Features: []string{"webhooks"}}))(p)
	if _, there := s.Features["webhooks"]; there {
		p.Errorf("revoked: %+v", s.Features)
	}
	if s := ok(p.mia.Organizations.ShowSubscription(ctx, p.shop, sold.ID))(p); s.ID != sold.ID || s.Price != "4.50" || s.Organization.Name != "Shop" {
		p.Errorf("shown: %+v", s)
	}
	vrms := client.Query{Filter: map[string]string{"product": "vrms"}, SortBy: "status"}
	if all := ok(p.mia.Organizations.ListSubscriptions(ctx, p.shop, vrms))(p); len(all.Items) != 2 || all.Items[0].ID != sold.ID || all.Items[1].Status != "canceled" {
		p.Errorf("all: %+v", all.Items)
	}
	if all := ok(p.mia.Organizations.ListActiveSubscriptions(ctx, p.shop, vrms))(p); len(all.Items) != 1 || all.Items[0].ID != sold.ID {
		p.Errorf("active: %+v", all.Items)
	}
	if all := ok(o.ListDependentSubscriptions(ctx, p.ring, vrms))(p); len(all.Items) != 1 || all.Items[0].Organization.ID != p.shop {
		p.Errorf("dependent: %+v", all.Items)
	}
}

func (p *people) organizations() {
	p.Helper()
	ctx := context.Background()
	if o := ok(p.partner.Organizations.Update(ctx, p.shop, client.OrganizationUpdate{Description: client.Set("=1+1"), Country: client.Set("AT")}))(p); o.Country != "AT" || o.City != "Graz" {
		p.Errorf("updated: %+v", o)
	}
	o := ok(p.partner.Organizations.Show(ctx, p.shop))(p)
	if o.Description != "=1+1" || o.UsersCount != 1 || o.Partner || !slices.ContainsFunc(o.ActiveSubscriptions, func(s client.OrganizationSubscribed) bool { return s.Plan == "ring-open" && s.Product == "vrms" }) {
		p.Errorf("shown: %+v", o)
	}
	all := ok(p.partner.Organizations.List(ctx, client.Query{SortBy: "name"}))(p)
	if len(all.Items) != 2 || all.Items[0].ID != p.ring || !all.Items[0].Partner || all.Items[1].ID != p.shop {
		p.Errorf("listed: %+v", all.Items)
	}
	rows := p.rows(p.partner.Organizations.Export(ctx, client.ExportOrganizationsQuery{SortBy: "name"}))
	if len(rows) != 3 || rows[2][slices.Index(rows[0], "name")] != "Shop" || rows[2][slices.Index(rows[0], "description")] != "'=1+1" {
		p.Errorf("exported: %q", rows)
	}
}

// keys name the calling application.
func (p *people) keys() {
	p.Helper()
	ctx := context.Background()
	made := ok(p.mia.Organizations.CreateAPIKey(ctx, client.APIKeyCreate{Name: "Export"}))(p)
	with := p.mia.With(client.WithAPIKey(made.Key))
	ok(with.User.ShowMe(ctx, client.ShowMeQuery{}))(p)
	if all := ok(p.mia.Organizations.ListAPIKeys(ctx, client.Query{}))(p); len(all.Items) != 1 || all.Items[0].Name != "Export" || all.Items[0].Key != "" || all.Items[0].LastUsedAt.IsZero() {
		p.Errorf("keys: %+v", all.Items)
	}
	if err := p.mia.Organizations.RevokeAPIKey(ctx, made.ID); err != nil {
		p.Error(err)
	}
	_, err := with.User.ShowMe(ctx, client.ShowMeQuery{})
	p.wantRefused("a revoked key", err, http.StatusUnauthorized)
}

// look of the partner, as its customers and anyone at its host see it.
func (p *people) look() {
	p.Helper()
	ctx := context.Background()
	var logo bytes.Buffer
	if err := png.Encode(&logo, image.NewNRGBA(image.Rect(0, 0, 8, 4))); err != nil {
		p.Fatal(err)
	}
	set := ok(p.partner.WhitelabelSettings.UpdateWhitelabel(ctx, p.ring, client.WhitelabelUpdate{Name: client.Set(brand), HostNames: client.Set([]string{host}),
		Logo: client.Set("data:image/png;base64," + base64.StdEncoding.EncodeToString(logo.Bytes())), SupportEmail: client.Set("help@ring.example"), MailFooter: client.Set("Ring Ltd")}))(p)
	shown := ok(p.partner.WhitelabelSettings.ShowWhitelabel(ctx, p.ring))(p)
	if shown.Name != brand || shown.Logo != set.Logo || shown.SupportEmail != "help@ring.example" || shown.MailFooter != "Ring Ltd" || !slices.Equal(shown.HostNames, []string{host}) {
		p.Errorf("shown: %+v", shown)
	}
	public := ok(p.anyone.WhitelabelSettings.ShowWhitelabelOfHost(ctx, client.ShowWhitelabelOfHostQuery{Host: host}))(p)
	if public.Name != brand || public.Logo != set.Logo {
		p.Errorf("at %s: %+v", host, public)
	}
	_, id, _ := bytes.Cut([]byte(public.Logo), []byte("/images/"))
	file := ok(p.anyone.WhitelabelSettings.DownloadWhitelabelImage(ctx, string(id)))(p)
	defer file.Close()
	if picture := ok(png.Decode(io.LimitReader(file, 1<<20)))(p); picture.Bounds().Dx() != 8 || picture.Bounds().Dy() != 4 || file.ContentType != "image/png" {
		p.Errorf("the logo is %s, %s", file.ContentType, picture.Bounds())
	}
}
