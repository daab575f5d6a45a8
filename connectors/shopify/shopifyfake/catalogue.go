package shopifyfake

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

const (
	currency = "USD"
	shopName = "Corner Coffee"
)

// product is an article of the shop. Variant prices are in cents.
type product struct {
	number   int
	title    string
	text     string
	tags     []string
	colour   string
	variants []variant
}

type variant struct {
	number int
	title  string
	price  int64
	stock  int
}

const plenty = 100_000

// catalogue is what the shop sells. Numbers never change: flows may name them.
var catalogue = []product{
	{1, "Ethiopia Yirgacheffe", "Light roast with jasmine, lemon and a honey finish.", []string{"coffee", "bestseller"}, "#7b4f2e",
		[]variant{{101, "250 g", 1450, plenty}, {102, "1 kg", 4900, plenty}}},
	{2, "Colombia Huila", "Medium roast, caramel and red apple. Lovely as a filter.", []string{"coffee"}, "#8c5a34",
		[]variant{{103, "250 g", 1290, plenty}, {104, "1 kg", 4400, plenty}}},
	{3, "House Espresso", "Dark and round: cocoa, toasted hazelnut, low acidity.", []string{"coffee", "bestseller"}, "#4e2f1b",
		[]variant{{105, "250 g", 1190, plenty}, {106, "1 kg", 3990, plenty}}},
	{4, "Decaf Sidamo", "Mountain-water decaf that still tastes of blueberries.", []string{"coffee", "decaf"}, "#5d4a66",
		[]variant{{107, "250 g", 1390, plenty}}},
	{5, "Darjeeling First Flush", "Spring harvest, bright and flowery.", []string{"tea"}, "#6f8f4e",
		[]variant{{108, "50 g", 990, plenty}, {109, "100 g", 1850, plenty}}},
	{6, "Earl Grey Imperial", "Black tea with real bergamot oil and cornflower.", []string{"tea", "bestseller"}, "#3f5f7f",
		[]variant{{110, "50 g", 790, plenty}, {111, "100 g", 1450, plenty}}},
	{7, "Sencha Kagoshima", "Deep-steamed green tea, sweet and savoury.", []string{"tea"}, "#4d8a5b",
		[]variant{{112, "50 g", 1150, plenty}, {113, "100 g", 2100, plenty}}},
	{8, "Masala Chai", "Assam with cardamom, ginger, cinnamon and pepper.", []string{"tea"}, "#a8552d",
		[]variant{{114, "100 g", 890, plenty}}},
	{9, "Pour-over Dripper", "Ceramic cone for one or two cups, filters included.", []string{"gear"}, "#b8a48c",
		[]variant{{115, "White", 2400, plenty}, {116, "Sage", 2400, 3}}},
	{10, "Cast-iron Teapot", "Keeps 0.8 litres warm for an hour. Back in spring.", []string{"gear"}, "#2f3437",
		[]variant{{117, "Default Title", 5800, 0}}},
	{11, "Almond Biscotti", "Twice baked, made for dipping. Bag of ten.", []string{"addon", "treat"}, "#c99a5b",
		[]variant{{118, "Default Title", 650, plenty}}},
	{12, "Gift Wrap", "Kraft paper, a ribbon and a card with your words.", []string{"addon"}, "#b5475b",
		[]variant{{119, "Default Title", 300, plenty}}},
}

func gid(kind string, n any) string { return fmt.Sprintf("gid://shopify/%s/%v", kind, n) }

func (p product) handle() string {
	return strings.ToLower(strings.ReplaceAll(p.title, " ", "-"))
}

// findVariant returns the variant with a global ID and its product.
func findVariant(id string) (product, variant, bool) {
	for _, p := range catalogue {
		for _, v := range p.variants {
			if gid("ProductVariant", v.number) == id {
				return p, v, true
			}
		}
	}
	return product{}, variant{}, false
}

// goods names what a line is, as the shop's staff read it.
func goods(l line) string {
	if _, v, ok := findVariant(l.VariantID); ok && v.title != "Default Title" {
		return l.Title + ", " + v.title
	}
	return l.Title
}

// decimal writes cents as Shopify writes amounts.
func decimal(cents int64) string { return fmt.Sprintf("%d.%02d", cents/100, cents%100) }

func moneyBag(cents int64) object {
	m := object{"__typename": "MoneyV2", "amount": decimal(cents), "currencyCode": currency}
	return object{"__typename": "MoneyBag", "shopMoney": m, "presentmentMoney": m}
}

func (s *shop) shopObject() object {
	return object{"__typename": "Shop", "id": gid("Shop", 1), "name": shopName, "currencyCode": currency}
}

func (s *shop) productObject(p product) object {
	variants := make([]object, len(p.variants))
	for i, v := range p.variants {
		variants[i] = s.variantObject(p, v)
	}
	image := object{"__typename": "Image", "url": s.env.BaseURL() + "/images/" + p.handle() + ".svg"}
	return object{
		"__typename": "Product", "id": gid("Product", p.number), "title": p.title, "handle": p.handle(),
		"description": p.text, "status": "ACTIVE", "tags": p.tags,
		"featuredMedia": object{"__typename": "MediaImage", "preview": object{"__typename": "MediaPreviewImage", "image": image}},
		"variants":      connection(variants),
	}
}

func (s *shop) variantObject(p product, v variant) object {
	left := s.available(gid("ProductVariant", v.number))
	return object{
		"__typename": "ProductVariant", "id": gid("ProductVariant", v.number), "title": v.title,
		"displayName": p.title + " - " + v.title, "price": decimal(v.price), "availableForSale": left > 0,
		"inventoryPolicy": "DENY", "inventoryQuantity": left,
		"inventoryItem": s.inventoryItem(v),
	}
}

func (s *shop) products(r request) (any, error) {
	var found []object
	for _, p := range catalogue {
		fields := map[string][]string{"": words(p.title, p.text, strings.Join(p.tags, " ")),
			"tag": p.tags, "status": {"active"}, "id": {fmt.Sprint(p.number)}, "title": {p.title}}
		if parseSearch(r.text("query")).matches(fields) {
			found = append(found, s.productObject(p))
		}
	}
	slices.SortFunc(found, func(a, b object) int { return strings.Compare(a["title"].(string), b["title"].(string)) })
	return connection(found[:min(len(found), r.first())]), nil
}

func (s *shop) product(r request) (any, error) {
	for _, p := range catalogue {
		if gid("Product", p.number) == r.text("id") {
			return s.productObject(p), nil
		}
	}
	return nil, nil
}

func (s *shop) productVariants(r request) (any, error) {
	var found []object
	for _, p := range catalogue {
		for _, v := range p.variants {
			fields := map[string][]string{"": words(p.title, v.title), "id": {fmt.Sprint(v.number)}}
			if parseSearch(r.text("query")).matches(fields) {
				found = append(found, s.variantObject(p, v))
			}
		}
	}
	return connection(found[:min(len(found), r.first())]), nil
}

// image draws a product as a bag in its colour.
func (s *shop) image(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimSuffix(r.PathValue("name"), ".svg")
	for _, p := range catalogue {
		if p.handle() == name {
			w.Header().Set("Content-Type", "image/svg+xml")
			fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 300" width="800" height="600">`+
				`<rect width="400" height="300" fill="#f3e9dc"/><ellipse cx="200" cy="266" rx="96" ry="9" fill="#2b1d14" fill-opacity=".14"/>`+
				`<g fill="%s"><path d="M136 62h128l12 194a10 10 0 0 1-10 10H134a10 10 0 0 1-10-10Z"/><path d="M136 62h128l-5-28H141Z"/></g>`+
				`<path d="M136 62h128l-5-28H141Z" fill-opacity=".22"/><circle cx="200" cy="166" r="50" fill="#fbf4ea"/>`+
				`<text x="200" y="182" font-size="44" font-family="Georgia, serif" font-weight="700" fill="%s" text-anchor="middle">%s</text></svg>`,
				p.colour, p.colour, initials(p.title))
			return
		}
	}
	http.NotFound(w, r)
}

func initials(title string) string {
	out := ""
	for _, w := range strings.Fields(title)[:2] {
		out += w[:1]
	}
	return out
}
