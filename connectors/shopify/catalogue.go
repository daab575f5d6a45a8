package shopify

import (
	"context"
	"maps"
	"slices"
	"strings"
	"unicode"

	"parley/connectors/sdk"
	"parley/connectors/shopify/admin"
)

// Product is a product as a customer sees it.
type Product struct {
	ID          string    `json:"id"`
	Title       string    `json:"title"`
	Description string    `json:"description"`
	ImageURL    string    `json:"image_url,omitempty"`
	Price       Money     `json:"price" doc:"The lowest price of its variants."`
	Variants    []Variant `json:"variants" doc:"The first 20."`
}

// Variant is what can be bought.
type Variant struct {
	ID        string `json:"id"`
	Title     string `json:"title"`
	Price     Money  `json:"price"`
	Available bool   `json:"available"`
}

// SearchInput selects active products.
type SearchInput struct {
	Query string `json:"query,omitempty" doc:"Words that the product's texts begin with; a customer's own words are fine. tag:NAME asks for a tag."`
	Tag   string `json:"tag,omitempty" doc:"A tag that the product must have."`
	Limit int    `json:"limit,omitempty" doc:"At most so many, 10 if not set."`
}

const (
	defaultProducts = 10
	// maxProducts keeps the query's cost, which grows with variants, within limits.
	maxProducts = 25
	maxWords    = 8
)

// Validate implements sdk.Validator.
func (in SearchInput) Validate() error {
	if in.Limit < 0 || in.Limit > maxProducts {
		return sdk.Invalidf("limit must be from 1 to %d", maxProducts)
	}
	if strings.ContainsAny(in.Tag, "\"'\\\n") || len(in.Tag) > 255 {
		return sdk.Invalidf("tag must be at most 255 characters without quotes")
	}
	if len(in.Query) > 1000 {
		return sdk.Invalidf("query is longer than 1000 bytes")
	}
	return nil
}

// SearchOutput lists the products found.
type SearchOutput struct {
	Products []Product `json:"products"`
}

func (c *conn) searchProducts(ctx context.Context, _ sdk.Call, in SearchInput) (SearchOutput, error) {
	limit := in.Limit
	if limit == 0 {
		limit = defaultProducts
	}
	got, err := admin.ProductSearch(ctx, c.admin, productQuery(in.Query, in.Tag), limit)
	if err != nil {
		return SearchOutput{}, err
	}
	out := SearchOutput{Products: []Product{}}
	for _, p := range got.Products.Nodes {
		product, err := c.product(p, got.Shop.CurrencyCode)
		if err != nil {
			return SearchOutput{}, err
		}
		out.Products = append(out.Products, product)
	}
	return out, nil
}

// productQuery builds a search (Shopify API search syntax) of a customer's words:
// each word a prefix, all of them wanted. Only letters and digits are taken, so
// that nobody reaches drafts with "status:draft" or negates anything; of fields,
// only "tag:NAME" has its meaning.
func productQuery(text, tag string) string {
	terms := []string{"status:active"}
	if tag != "" {
		terms = append(terms, `tag:"`+tag+`"`)
	}
	left := maxWords
	for part := range strings.FieldsSeq(strings.ToLower(text)) {
		if name, ok := strings.CutPrefix(part, "tag:"); ok {
			if name = strings.Map(inTag, name); name != "" {
				terms = append(terms, `tag:"`+name+`"`)
			}
			continue
		}
		words := strings.FieldsFunc(part, notInWord)
		for _, w := range words[:min(len(words), left)] {
			if w != "and" && w != "or" && w != "not" {
				terms = append(terms, w+"*")
			}
			left--
		}
	}
	return strings.Join(terms, " AND ")
}

func notInWord(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
}

// inTag keeps what a tag named in a query may consist of.
func inTag(r rune) rune {
	if notInWord(r) && r != '-' && r != '_' {
		return -1
	}
	return r
}

// ProductInput names one product.
type ProductInput struct {
	ID string `json:"id" doc:"The product's global ID, gid://shopify/Product/…"`
}

// Validate implements sdk.Validator.
func (in ProductInput) Validate() error { return checkID("Product", in.ID) }

func (c *conn) getProduct(ctx context.Context, _ sdk.Call, in ProductInput) (Product, error) {
	got, err := admin.ProductGet(ctx, c.admin, in.ID)
	if err != nil {
		return Product{}, err
	}
	if got.Product.Id == "" || got.Product.Status != "ACTIVE" {
		return Product{}, &sdk.Error{Class: sdk.NotFound, Message: "the shop has no such product on sale"}
	}
	return c.product(got.Product, got.Shop.CurrencyCode)
}

func (c *conn) product(p admin.Product, currency string) (Product, error) {
	out := Product{ID: p.Id, Title: p.Title, Description: p.Description,
		ImageURL: p.FeaturedMedia.Preview.Image.Url, Price: Money{Currency: currency}, Variants: []Variant{}}
	for i, v := range p.Variants.Nodes {
		price, err := c.money(v.Price, currency)
		if err != nil {
			return Product{}, err
		}
		if i == 0 || price.Amount < out.Price.Amount {
			out.Price = price
		}
		out.Variants = append(out.Variants, Variant{ID: v.Id, Title: v.Title, Price: price, Available: v.AvailableForSale})
	}
	return out, nil
}

// checkStock refuses lines that cannot be delivered. Shopify lets a draft order
// oversell, so this look beforehand is the only one.
func (c *conn) checkStock(ctx context.Context, lines []Line) error {
	wanted := map[string]int{}
	for _, l := range lines {
		wanted[l.VariantID] += l.Quantity
	}
	ids := slices.Sorted(maps.Keys(wanted))
	terms := make([]string, len(ids))
	for i, id := range ids {
		terms[i] = "id:" + numericID(id)
	}
	got, err := admin.VariantStock(ctx, c.admin, strings.Join(terms, " OR "), len(ids))
	if err != nil {
		return notWritten(err)
	}
	known := 0
	for _, v := range got.ProductVariants.Nodes {
		quantity, ok := wanted[v.Id]
		if !ok {
			continue
		}
		known++
		limited := v.InventoryItem.Tracked && v.InventoryPolicy == "DENY"
		if !v.AvailableForSale || (limited && v.InventoryQuantity < quantity) {
			return outOfStock("")
		}
	}
	if known < len(wanted) {
		return &sdk.Error{Class: sdk.NotFound, Message: "a variant in lines does not exist in the shop"}
	}
	return nil
}

// notWritten marks an error of a query that came before the mutation: whatever
// happened, nothing was done yet.
func notWritten(err error) error {
	e := *sdk.AsError(err)
	e.Wrote = false
	return &e
}
