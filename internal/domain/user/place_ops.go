package user

import (
	"net/http"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/op"
)

type placeInput struct {
	op.Path
	Body struct {
		User op.RefID `json:"user"`
	}
}

// PlaceOperations move users from one organization to another.
func (p Parts) PlaceOperations() []op.Operation {
	return op.In("Organizations", "",
		op.Action("changeUserOrganization", "Move a user to another organization", http.MethodPut, "/v2/organizations/{id}/change_user_organization", access.UserAdmin,
			func(tx *db.Tx, in *placeInput) (Attributes, error) { return p.Move(tx, string(in.Body.User), in.ID) }).Conflicts().
			Says("Answers the user. What the user owns stays where it is: 409 until it was inherited or transferred."))
}
