package language

import (
	"strings"

	"parley/internal/nlu/words"
)

// tags are the languages in Latin letters, in the order of counting.
var tags = []string{"en", "es", "pt", "fr", "id", LatinHindi}

// lists are words that people who write to a business use, and that say which
// language it is.
var lists = map[string]string{
	"en": `the is are was i you my me we your it its this that what where when why how who which can could would will do does did
		don't have has had not no yes and or but to of for from with on in at be been please thanks thank hello hi hey a it's lot
		want need get got been any some there here back when's where's i'm i've`,
	"es": `el los las una unos unas es son está estoy mi mis tu su yo usted quiero quisiera necesito puedo puede cómo cuándo dónde qué
		por para con sin pero y o no sí hola gracias favor pedido dinero devolución ayuda buenos buenas días tardes noches
		cuál cuánto cuesta hacer tengo tiene hay llegó todavía dirección cambiar cancelar muy del al lo se ha han`,
	"pt": `o os uma uns umas é são está estou meu minha meus seu sua eu você vocês quero queria preciso posso pode como quando onde quê
		por para com sem mas e ou não sim olá oi obrigado obrigada favor pedido dinheiro ajuda bom boa dia tarde noite
		qual quanto custa fazer tenho tem há chegou ainda endereço mudar cancelar muito do da no na dos das um foi isso`,
	"fr": `le les une des est sont suis mon ma mes votre je tu vous nous veux voudrais besoin peux peut comment quand où quoi que
		pour avec sans mais et ou pas oui non bonjour salut merci commande argent remboursement aide bonsoir s'il plaît
		quel quelle combien coûte faire j'ai ai a il elle arrivé toujours adresse changer annuler très du au ce cette est-ce c'est ne n'est qu'est d'un l'argent`,
	"id": `yang dan di ke dari ini itu saya aku anda kamu kami apa apakah bagaimana kapan dimana mana kenapa mengapa berapa siapa
		bisa mau ingin tidak nggak gak enggak belum sudah ada adalah untuk dengan tanpa tapi atau ya halo terima kasih tolong mohon
		pesanan uang kembali bantuan selamat pagi siang sore malam alamat ubah batalkan sekali dong nya kak min barang sampai`,
	LatinHindi: `hai hain hoon hun tha thi the mera meri mere mujhe hum aap aapka aapki tum tera kya kyu kyun kyon kab kahan kaha kaise kaisa
		kaun kitna kitne kitni nahi nahin nhi mat haan han ji aur ya ka ki ke ko se mein main par liye chahiye karo karna kar karein
		kijiye do dijiye wapas paisa paise namaste dhanyavad shukriya madad abhi tak aaya aayi hua hui gaya gayi raha rahi rahe bhai
		bahut accha acha theek thik bolo batao bata kuch koi sab yeh ye woh wo milega mila sakta sakte hota`,
}

var common = func() map[string][]string {
	out := map[string][]string{}
	for _, tag := range tags {
		for _, word := range strings.Fields(lists[tag]) {
			word = words.Fold(word)
			out[word] = append(out[word], tag)
		}
	}
	return out
}()
