package shopify

import (
	"context"
	"slices"
	"strings"

	"parley/connectors/sdk"
	"parley/connectors/shopify/admin"
)

// LevelsInput names a variant.
type LevelsInput struct {
	VariantID string `json:"variant_id" doc:"The variant's global ID, gid://shopify/ProductVariant/…"`
}

// Validate implements sdk.Validator.
func (in LevelsInput) Validate() error { return checkID("ProductVariant", in.VariantID) }

// Levels is how many of a variant there are.
type Levels struct {
	ItemID  string  `json:"item_id" doc:"The inventory item's global ID, gid://shopify/InventoryItem/…"`
	Tracked bool    `json:"tracked" doc:"Whether Shopify counts it; if not, the numbers mean nothing."`
	Levels  []Level `json:"levels" doc:"At each location, at most 50."`
}

// Level is how many there are at one location.
type Level struct {
	LocationID string `json:"location_id" doc:"The location's global ID, gid://shopify/Location/…"`
	Location   string `json:"location" doc:"Its name."`
	Available  int    `json:"available" doc:"Can be sold."`
	OnHand     int    `json:"on_hand" doc:"Is there."`
	Committed  int    `json:"committed" doc:"Is sold and not yet sent."`
	Incoming   int    `json:"incoming" doc:"Is on its way to the location."`
}

func (c *conn) inventoryLevels(ctx context.Context, _ sdk.Call, in LevelsInput) (Levels, error) {
	got, err := admin.InventoryLevels(ctx, c.admin, in.VariantID)
	if err != nil {
		return Levels{}, err
	}
	if got.ProductVariant.Id == "" {
		return Levels{}, &sdk.Error{Class: sdk.NotFound, Message: "Shopify has no such variant"}
	}
	item := got.ProductVariant.InventoryItem
	out := Levels{ItemID: item.Id, Tracked: item.Tracked, Levels: []Level{}}
	for _, l := range item.InventoryLevels.Nodes {
		of := map[string]int{}
		for _, q := range l.Quantities {
			of[q.Name] = q.Quantity
		}
		out.Levels = append(out.Levels, Level{LocationID: l.Location.Id, Location: l.Location.Name,
			Available: of["available"], OnHand: of["on_hand"], Committed: of["committed"], Incoming: of["incoming"]})
	}
	return out, nil
}

// AdjustInput says by how much a stock changes, and why.
type AdjustInput struct {
	ItemID     string `json:"item_id" doc:"The inventory item's global ID, gid://shopify/InventoryItem/…"`
	LocationID string `json:"location_id" doc:"The location's global ID, gid://shopify/Location/…"`
	Delta      int    `json:"delta" doc:"How many more, or fewer if negative."`
	Reason     string `json:"reason" doc:"correction, cycle_count_available, damaged, movement_created, other, promotion, quality_control, received, reservation_created, restock, safety_stock or shrinkage."`
}

// adjustReasons are those that Shopify knows ("Set inventory quantities").
var adjustReasons = []string{"correction", "cycle_count_available", "damaged", "movement_created", "other", "promotion",
	"quality_control", "received", "reservation_created", "restock", "safety_stock", "shrinkage"}

// Validate implements sdk.Validator.
func (in AdjustInput) Validate() error {
	switch {
	case in.Delta == 0 || in.Delta > 1_000_000 || in.Delta < -1_000_000:
		return sdk.Invalidf("delta must be from -1000000 to 1000000, and not 0")
	case !slices.Contains(adjustReasons, in.Reason):
		return sdk.Invalidf("reason must be one of %s", strings.Join(adjustReasons, ", "))
	}
	if err := checkID("InventoryItem", in.ItemID); err != nil {
		return err
	}
	return checkID("Location", in.LocationID)
}

// Adjustment is a change of a stock.
type Adjustment struct {
	ID string `json:"id" doc:"Its global ID, gid://shopify/InventoryAdjustmentGroup/…"`
}

func (c *conn) inventoryAdjust(ctx context.Context, call sdk.Call, in AdjustInput) (Adjustment, error) {
	if call.Key == "" {
		return Adjustment{}, sdk.Invalidf("a change of stock needs an idempotency key: Shopify demands one")
	}
	made, err := admin.InventoryAdjust(ctx, c.admin, admin.InventoryInput{Name: "available", Reason: in.Reason,
		Changes: []admin.InventoryChange{{Delta: in.Delta, ItemID: in.ItemID, Location: in.LocationID}}}, call.Key)
	if err != nil {
		return Adjustment{}, err
	}
	if err := mutationError(made.InventoryAdjustQuantities.UserErrors, sdk.Rejected); err != nil {
		return Adjustment{}, err
	}
	return Adjustment{ID: made.InventoryAdjustQuantities.InventoryAdjustmentGroup.Id}, nil
}
