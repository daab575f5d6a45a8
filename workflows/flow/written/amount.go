package written

import (
	"math"
	"slices"
	"strings"

	iso "golang.org/x/text/currency"

	"parley/connectors/sdk/money"
)

// signs of currencies, with those that each may stand for.
var signs = map[string]string{
	"$": "USD,CAD,AUD,NZD,SGD,HKD,MXN,ARS,CLP,COP", "us $": "USD", "r $": "BRL", "€": "EUR", "£": "GBP", "₹": "INR",
	"¥": "JPY,CNY", "rs": "INR,PKR,LKR,NPR", "rp": "IDR", "₨": "INR,PKR,LKR,NPR", "﷼": "SAR,QAR,OMR,YER",
}

// Amount understands an amount of money, in minor units: $12.50, 1.5 lakh rupees,
// 50 reais, Rp50.000, twenty dollars and five cents. meant is the currency where none
// is written, and of a word such as dollar that several have.
func Amount(text, language, meant string) (minor int64, code string, ok bool) {
	p := parser{items: signed(read(text, language)), lexicon: of(language)}
	code = meant
	p.skip()
	written := p.money(&code)
	p.skip()
	v, ok := p.number()
	if !ok {
		return 0, "", false
	}
	p.skip()
	if p.take(cents) && !written {
		v /= 100
	} else if p.money(&code) && written {
		return 0, "", false // 5 dollars euros
	}
	if hundredths, said := p.hundredths(); said {
		v += hundredths
	}
	p.skip()
	scale := math.Pow10(money.Digits(code))
	exact := v * scale
	minor = int64(math.Round(exact))
	if !p.end() || math.Abs(exact-math.Round(exact)) > 1e-6*math.Max(1, exact) || exact > 1e15 || exact < 0 {
		return 0, "", false
	}
	return minor, code, true
}

// signed gives signs and codes of currencies their meaning where the lexicon has none.
func signed(items []item) []item {
	out := make([]item, 0, len(items))
	for i := 0; i < len(items); i++ {
		it := items[i]
		if it.kind == "" && it.digits == "" || it.kind == skipped {
			if i+1 < len(items) {
				if both, ok := signs[it.text+" "+items[i+1].text]; ok && it.text != "" {
					out = append(out, item{meaning: meaning{kind: currency, text: both}})
					i++
					continue
				}
			}
			if one, ok := signs[it.text]; ok {
				it.kind, it.text = currency, one
			} else if unit, err := iso.ParseISO(it.text); err == nil {
				it.kind, it.text = currency, unit.String()
			}
		}
		out = append(out, it)
	}
	return out
}

// money goes past a currency and puts it into code.
func (p *parser) money(code *string) bool {
	it := p.peek()
	if !p.take(currency) {
		return false
	}
	if all := strings.Split(it.text, ","); !slices.Contains(all, *code) {
		*code = all[0]
	}
	return true
}

// hundredths reads and five cents.
func (p *parser) hundredths() (v float64, ok bool) {
	ok = p.try(func() bool {
		for p.take(and) || p.take(skipped) {
		}
		v, ok = p.number()
		return ok && v < 100 && v == math.Trunc(v) && p.take(cents)
	})
	return v / 100, ok
}
