package access

import (
	"bytes"
	"fmt"
)

const referenceHead = `# Permissions

What a caller may do is what its role holds, as far as the organization's active subscriptions give it. A code that is not
marked is not held: 403, with the code ` + "`permission_missing`" + `. The [reference](/docs/reference) tells which code an
operation needs; [Authentication](authentication.md) tells how to ask for one's own.

| Role | Is for |
|---|---|
| admin | operators of the installation; holds all, everywhere |
| partner | an organization that has customers below it; *below* is what it may do in those, having [chosen one](authentication.md) |
| manager | all of its own organization |
| user | scans, exceptions and reports |
| auditor | reads |

| Code | admin | partner | partner, below | manager | user | auditor | Needs besides |
|---|---|---|---|---|---|---|---|
`

const referenceFoot = `
*Needs besides* names the feature that a subscription has to give, or says that one to the product has to be active: without it
what exists can be read, not changed. The installation's own organization has every feature. More on these in
[Plans and Subscriptions](plans.md).

Whoever impersonates a user holds that user's permissions, but touches no password, token or second factor.
`

// Reference is docs/api/permissions.md: the table of roles, permissions and features.
func Reference() []byte {
	var b bytes.Buffer
	b.WriteString(referenceHead)
	mark := map[bool]string{true: "✓"}
	for _, c := range All {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s | %s | %s |\n", c, mark[Allows(Admin, c)], mark[Allows(Partner, c)], mark[AllowsBelow(Partner, c)],
			mark[Allows(Manager, c)], mark[Allows(User, c)], mark[Allows(Auditor, c)], needs(c))
	}
	b.WriteString(referenceFoot)
	return b.Bytes()
}

func needs(c Permission) string {
	if f, gated := gates[c]; gated {
		return "`" + string(f) + "`"
	}
	if subscribed[c] {
		return "a subscription"
	}
	return ""
}
