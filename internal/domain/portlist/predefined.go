package portlist

import (
	"embed"
	"fmt"

	"github.com/vedette/vedette/internal/domain/plan"
)

// Specs of predefined lists. iana-tcp.txt holds the ports that IANA's Service Name and Transport Protocol Port Number
// Registry assigns over TCP, as of 2024-04-30; the others are our own choice.
//
//go:embed predefined/*.txt
var specs embed.FS

// Names of predefined lists that the program itself refers to.
const (
	nameAllCommonUDP = "All TCP and common UDP"
	namePCI          = "PCI"
)

// standard names the predefined list that a target of the product gets unless it chooses another.
var standard = map[string]string{plan.PCI: namePCI, plan.VRMS: nameAllCommonUDP, plan.Penetration: nameAllCommonUDP}

type definition struct {
	name, description, appType, spec string
}

// predefined lists of the installation. A name is what a list is known by from version to version.
func predefined() ([]definition, error) {
	text := map[string]string{}
	for _, name := range []string{"iana-tcp", "top-1000-tcp", "common-tcp", "common-udp", "web-tcp"} {
		b, err := specs.ReadFile("predefined/" + name + ".txt")
		if err != nil {
			return nil, fmt.Errorf("predefined port lists: %w", err)
		}
		text[name] = string(b)
	}
	const all = "T:1-65535"
	return []definition{
		{"All TCP", "Every TCP port.", AllProducts, all},
		{nameAllCommonUDP, "Every TCP port, and the UDP ports on which services are met most.", AllProducts, all + ",U:" + text["common-udp"]},
		{"IANA-assigned TCP", "The TCP ports that IANA has assigned to a service.", AllProducts, "T:" + text["iana-tcp"]},
		{"Top 1000 TCP", "The 1,000 TCP ports on which services are met most.", AllProducts, "T:" + text["top-1000-tcp"]},
		{"Common TCP and UDP", "The TCP and UDP ports of services that are met every day; quick.", AllProducts,
			"T:" + text["common-tcp"] + ",U:" + text["common-udp"]},
		{namePCI, "What a PCI scan asks: every TCP port, and common UDP ports.", plan.PCI, all + ",U:" + text["common-udp"]},
		{"Web ports", "The TCP ports on which web servers and web consoles listen.", AllProducts, "T:" + text["web-tcp"]},
	}, nil
}
