package collaborator

import (
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"github.com/vedette/vedette/internal/platform/fault"
)

// Config of a collaborator.
type Config struct {
	Listen netip.Addr
	Public netip.Addr // at which targets reach it; the same, where nothing translates addresses
	Zone   string     // names below it are delegated to this collaborator; empty: addresses are used
	DNS    uint16     // port of the zone
	Ports  []uint16   // TCP ports; each takes every protocol but DNS. 0 is any free one
}

// zonePorts are where clients go that are given a name alone: mail, web, directory, RMI.
var zonePorts = []uint16{25, 80, 389, 443, 1099, 1389}

const usage = "A collaborator is written ADDRESS[:PORT][,public=ADDRESS] or ADDRESS,zone=DOMAIN[,public=ADDRESS][,dns=PORT][,ports=80+443+…]"

func wrong(format string, args ...any) error {
	return fault.New(fault.Invalid, format+". "+usage, args...)
}

var zoneForm = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// ParseConfig reads how a collaborator is written on a command line. A fault says what is wrong.
func ParseConfig(s string) (Config, error) {
	c := Config{DNS: 53}
	at, options, _ := strings.Cut(s, ",")
	if err := c.listen(strings.TrimSpace(at)); err != nil {
		return Config{}, err
	}
	for o := range strings.SplitSeq(options, ",") {
		if o = strings.TrimSpace(o); o == "" {
			continue
		}
		if err := c.option(o); err != nil {
			return Config{}, err
		}
	}
	if c.Zone == "" && len(c.Ports) > 1 {
		return Config{}, wrong("Without a zone one port is enough")
	}
	if len(c.Ports) == 0 {
		c.Ports = []uint16{0}
		if c.Zone != "" {
			c.Ports = append([]uint16(nil), zonePorts...)
		}
	}
	if !c.Public.IsValid() {
		c.Public = c.Listen
	}
	if c.Public.IsUnspecified() || c.Public.IsMulticast() {
		return Config{}, wrong("%s is no address that targets can reach: name it with public=ADDRESS", c.Public)
	}
	return c, nil
}

func (c *Config) listen(at string) error {
	if a, err := netip.ParseAddr(at); err == nil {
		c.Listen = a.Unmap()
		return nil
	}
	a, err := netip.ParseAddrPort(at)
	if err != nil {
		return wrong("%q is no IP address, with or without a port", at)
	}
	c.Listen, c.Ports = a.Addr().Unmap(), []uint16{a.Port()}
	return nil
}

func (c *Config) option(o string) error {
	name, value, _ := strings.Cut(o, "=")
	switch name {
	case "zone":
		c.Zone = strings.ToLower(strings.Trim(value, "."))
		if len(c.Zone) > 180 || !zoneForm.MatchString(c.Zone) {
			return wrong("%q is no domain", value)
		}
	case "public":
		a, err := netip.ParseAddr(value)
		if err != nil {
			return wrong("%q is no IP address", value)
		}
		c.Public = a.Unmap()
	case "dns":
		p, err := strconv.ParseUint(value, 10, 16)
		if err != nil {
			return wrong("%q is no port", value)
		}
		c.DNS = uint16(p)
	case "ports":
		c.Ports = nil
		for one := range strings.SplitSeq(value, "+") {
			p, err := strconv.ParseUint(one, 10, 16)
			if err != nil || len(c.Ports) >= 32 {
				return wrong("%q is no port, or there are more than 32", one)
			}
			c.Ports = append(c.Ports, uint16(p))
		}
	default:
		return wrong("There is no option %q", name)
	}
	return nil
}

// host is where a probe is to be heard, in the form that goes where a host is expected.
func (c Config) host(id string) string {
	if c.Zone != "" {
		return id + "." + c.Zone
	}
	return net.JoinHostPort(c.Public.String(), strconv.Itoa(int(c.Ports[0]))) + "/" + id
}

// String tells what targets must be able to reach.
func (c Config) String() string {
	var ports []string
	for _, p := range c.Ports {
		ports = append(ports, strconv.Itoa(int(p)))
	}
	at := "TCP " + strings.Join(ports, ", ") + " of " + c.Public.String()
	if c.Zone != "" {
		return "names below " + c.Zone + " lead to " + at + "; their server is its port " + strconv.Itoa(int(c.DNS)) + ", UDP and TCP"
	}
	return "targets call " + at
}
