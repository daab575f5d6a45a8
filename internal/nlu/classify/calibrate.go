package classify

import (
	"math"
	"slices"
)

// The share of rightly understood utterances, in cross-validation, that a model
// gives up for refusing what is out of scope: more where examples of that say
// that it matters, few where there are none.
const (
	refusals     = 0.01
	fewRefusals  = 0.003
	unseenSlope  = 4
	unseenOffset = -4
)

// ranking is what the scores of one text say. Classes are by index, -1 if there
// is none.
type ranking struct {
	best, second int
	// ease says how sure it is that the text asks for the best class: its score,
	// half of its lead, how much of the text is known, and less half the score of
	// being out of scope where that was trained.
	ease float32
}

// rank orders the classes other than the one of what is out of scope.
func rank(scores []float32, oos int, known float32) ranking {
	r := ranking{best: -1, second: -1}
	for class, s := range scores {
		switch {
		case class == oos:
		case r.best < 0 || s > scores[r.best]:
			r.best, r.second = class, r.best
		case r.second < 0 || s > scores[r.second]:
			r.second = class
		}
	}
	if r.best < 0 {
		r.ease = float32(math.Inf(-1))
		return r
	}
	r.ease = scores[r.best] + known
	if r.second >= 0 {
		r.ease += float32(0.5 * (scores[r.best] - scores[r.second]))
	}
	if oos >= 0 {
		r.ease -= float32(0.5 * scores[oos])
	}
	return r
}

// trial is an example that was judged by a model that had not seen it.
type trial struct {
	ranking
	scores []float32
	label  int
	oos    bool
}

// calibration turns scores into what they are worth.
type calibration struct {
	// Threshold is the ease below which a text is out of scope.
	Threshold float32
	// Slope and Offset make the probability of being right of an ease (Platt scaling).
	Slope, Offset float32
	// Sharpness makes probabilities of scores, by softmax.
	Sharpness float32
}

func calibrate(trials []trial) calibration {
	var right []float32
	give := fewRefusals
	for _, t := range trials {
		if t.oos {
			give = refusals
		}
		if t.best == t.label {
			right = append(right, t.ease)
		}
	}
	c := calibration{Sharpness: sharpness(trials)}
	if len(right) == 0 {
		// Nothing can be told apart: one example each, say. Then what is sure is
		// what was nearly learnt by heart.
		c.Threshold, c.Slope, c.Offset = 1, unseenSlope, unseenOffset
		return c
	}
	slices.Sort(right)
	c.Threshold = right[int(give*float64(len(right)))]
	c.Slope, c.Offset = platt(trials)
	return c
}

// platt fits P(right) = 1/(1+exp(-(slope·ease+offset))) by Newton's method, with
// the targets of Platt, "Probabilistic Outputs for Support Vector Machines"
// (1999), which keep small sets from certainty.
func platt(trials []trial) (slope, offset float32) {
	var right, wrong float64
	for _, t := range trials {
		if t.best == t.label {
			right++
		} else {
			wrong++
		}
	}
	yes, no := (right+1)/(right+2), 1/(wrong+2)
	// A little pull towards a gentle slope keeps perfectly separated sets finite.
	const pull = 1e-2
	a, b := 1.0, 0.0
	for range 50 {
		ga, gb := pull*(a-1), pull*b
		haa, hab, hbb := pull, 0.0, pull
		for _, t := range trials {
			x, target := float64(t.ease), no
			if t.best == t.label {
				target = yes
			}
			p := 1 / (1 + math.Exp(-(float64(a*x) + b)))
			d, w := p-target, float64(p*(1-p))
			ga += float64(d * x)
			gb += d
			haa += float64(w * x * x)
			hab += float64(w * x)
			hbb += w
		}
		det := float64(haa*hbb) - float64(hab*hab)
		da, db := (float64(hbb*ga)-float64(hab*gb))/det, (float64(haa*gb)-float64(hab*ga))/det
		// Steps are bounded: Newton's may leap where the curve is flat.
		a -= max(-1, min(1, da))
		b -= max(-1, min(1, db))
		if math.Abs(da)+math.Abs(db) < 1e-6 {
			break
		}
	}
	return float32(max(a, 0)), float32(b)
}

// sharpness is the factor to scores under which softmax gives the trials' labels
// the highest likelihood.
func sharpness(trials []trial) float32 {
	best, least := float32(1), math.Inf(1)
	for s := float32(1); s < 20; s *= 1.25 {
		loss := 0.0
		for _, t := range trials {
			sum := 0.0
			for _, x := range t.scores {
				sum += math.Exp(float64(s * (x - t.scores[t.label])))
			}
			loss += math.Log(sum)
		}
		if loss < least {
			best, least = s, loss
		}
	}
	return best
}
