package sentiment

import (
	"strings"

	"parley/internal/nlu/words"
)

// The words, separated by commas; a phrase of two is one. English, Spanish,
// Portuguese, French, Indonesian, Hindi in Latin letters, Hindi, Arabic, emoji.
const (
	good = `good,great,excellent,amazing,awesome,love,loved,perfect,happy,thanks,thank you,wonderful,best,nice,helpful,pleased,satisfied,fantastic,brilliant,glad,appreciate,
gracias,bueno,buena,excelente,genial,perfecto,perfecta,encanta,feliz,contento,contenta,maravilloso,estupendo,mejor,agradezco,satisfecho,
obrigado,obrigada,bom,boa,otimo,otima,perfeito,adorei,amei,maravilhoso,contente,melhor,satisfeito,
merci,excellente,parfait,parfaite,super,adore,heureux,heureuse,formidable,content,contente,satisfait,satisfaite,
bagus,baik,hebat,senang,suka,mantap,puas,keren,terima kasih,makasih,terbaik,ramah,
accha,acha,badhiya,shukriya,dhanyavad,khush,mast,zabardast,shandar,
अच्छा,अच्छी,अच्छे,बढ़िया,धन्यवाद,शुक्रिया,खुश,शानदार,बेहतरीन,उत्तम,पसंद,
شكرا,ممتاز,رائع,رائعه,جيد,جيده,جميل,سعيد,احسنتم,افضل,مشكور,
😀,😃,😄,😁,😊,🙂,😍,🥰,😘,👍,🙏,❤,👏,🎉,😇,💯`
	bad = `bad,terrible,awful,horrible,worst,hate,angry,broken,damaged,useless,disappointed,disappointing,poor,rude,slow,late,wrong,scam,fraud,unacceptable,ridiculous,frustrated,frustrating,annoyed,annoying,pathetic,fed up,upset,never again,waste,problem,complaint,
malo,mala,terrible,pesimo,pesima,odio,enojado,enojada,enfadado,roto,rota,danado,inutil,decepcionado,decepcionada,estafa,inaceptable,molesto,molesta,verguenza,queja,peor,
ruim,pessimo,pessima,odeio,quebrado,quebrada,danificado,decepcionado,decepcionada,golpe,inaceitavel,irritado,irritada,absurdo,vergonha,reclamacao,pior,
mauvais,mauvaise,nul,nulle,deteste,fache,casse,cassee,abime,inutile,decu,decue,arnaque,inadmissible,inacceptable,honte,pire,enerve,scandaleux,
buruk,jelek,parah,benci,marah,rusak,kecewa,penipu,penipuan,lambat,lama sekali,kesal,mengecewakan,payah,terburuk,
bura,bekar,kharab,ganda,ghatiya,gussa,dhokha,bakwas,pareshan,galat,
बुरा,बेकार,खराब,ख़राब,घटिया,गुस्सा,धोखा,बकवास,परेशान,गलत,निराश,
سيء,سيئه,سيئ,فظيع,اكره,غاضب,مكسور,تالف,محبط,احتيال,نصب,مخيب,زفت,غير مقبول,اسوا,
😠,😡,🤬,😞,😢,😭,👎,😤,😒,🙄,💔,😩,😫`
	// Words that deny what follows, and those that deny what stands before.
	denyBefore = `not,no,never,isn't,wasn't,don't,doesn't,didn't,can't,cannot,won't,aren't,dont,isnt,without,
nunca,sin,nao,nem,sem,ne,pas,jamais,sans,n'est,tidak,nggak,gak,enggak,bukan,kurang,tak,ليس,لا,لم,غير,مش,ليست,لست`
	denyAfter = `nahi,nahin,nhi,नहीं,नही`
)

var (
	lexicon = scored()
	before  = set(denyBefore)
	after   = set(denyAfter)
)

func each(list string, do func(string)) {
	for item := range strings.SplitSeq(list, ",") {
		if item = strings.Join(words.List(item), " "); item != "" {
			do(item)
		}
	}
}

func scored() map[string]int {
	out := map[string]int{}
	each(good, func(w string) { out[w] = 1 })
	each(bad, func(w string) { out[w] = -1 })
	return out
}

func set(list string) map[string]bool {
	out := map[string]bool{}
	each(list, func(w string) { out[w] = true })
	return out
}
