package flow

import "reflect"

// texts are what the engine itself says. A document may give its own.
type texts struct {
	Unclear   *phrase `flow:"unclear" doc:"begins a question that is put again"`
	Choose    *phrase `flow:"choose" doc:"begins a list of choices that is shown again"`
	Stale     *phrase `flow:"stale" doc:"answers a tap on a choice that is no longer offered"`
	Moment    *phrase `flow:"moment" doc:"said once to a customer who writes while a call is under way"`
	Waiting   *phrase `flow:"waiting" doc:"answers what is written while the flow waits for time to pass"`
	Pay       *phrase `flow:"pay" doc:"stands above a payment link"`
	PayButton *phrase `flow:"pay_button" doc:"the button of a payment link"`
	Unpaid    *phrase `flow:"unpaid" doc:"answers what is written while the payment is awaited"`
	Handoff   *phrase `flow:"handoff" doc:"tells that a person will answer"`
	Queued    *phrase `flow:"queued" doc:"tells that nobody is there now, and that a person will answer later"`
	Noted     *phrase `flow:"noted" doc:"tells that nobody is there now, and that a ticket was opened"`
	Cancelled *phrase `flow:"cancelled" doc:"answers the word cancel"`
	Trouble   *phrase `flow:"trouble" doc:"tells that something went wrong on our side"`
	Yes       *phrase `flow:"yes" doc:"an answer to a yes-no question"`
	No        *phrase `flow:"no" doc:"the other one"`
	List      *phrase `flow:"list" doc:"opens a list of choices"`

	Skip        *phrase `flow:"skip" doc:"leaves a question out"`
	Done        *phrase `flow:"done" doc:"ends a choice of several"`
	Chosen      *phrase `flow:"chosen" doc:"begins the list of what was chosen so far"`
	Help        *phrase `flow:"help" doc:"answers the word help where a question has no help of its own"`
	NoBack      *phrase `flow:"no_back" doc:"answers the word back where there is no question before"`
	Language    *phrase `flow:"language" doc:"asks for the language"`
	LanguageSet *phrase `flow:"language_set" doc:"confirms the choice of a language"`
	Stopped     *phrase `flow:"stopped" doc:"answers the word stop"`
	Summary     *phrase `flow:"summary" doc:"stands above a form's summary"`
	Send        *phrase `flow:"send" doc:"accepts a form's summary"`
	Change      *phrase `flow:"change" doc:"begins the label that corrects a field of a form"`
	Agree       *phrase `flow:"agree" doc:"signs"`
	Decline     *phrase `flow:"decline" doc:"declines to sign"`
	Resend      *phrase `flow:"resend" doc:"asks for another code"`
	WrongCode   *phrase `flow:"wrong_code" doc:"begins the question for a code that was wrong"`
	Watch       *phrase `flow:"watch" doc:"the button of a live stream"`
	SlotTaken   *phrase `flow:"slot_taken" doc:"tells that somebody else was faster to take an appointment"`
	LaterSlots  *phrase `flow:"later_slots" doc:"the choice that shows later appointments"`
}

// ownTexts are the texts that hold where a document gives none.
var ownTexts = texts{
	Unclear: several("Sorry, I did not understand that.", "क्षमा करें, मैं समझ नहीं पाया।", "Perdón, no lo he entendido.",
		"Desculpe, não entendi.", "Désolé, je n’ai pas compris.", "عذرًا، لم أفهم ذلك.", "Maaf, saya tidak mengerti."),
	Choose: several("Sorry, I did not understand that. Please tap one of the choices, or write its number.",
		"क्षमा करें, मैं समझ नहीं पाया। कृपया कोई विकल्प चुनें या उसका नंबर लिखें।",
		"Perdón, no lo he entendido. Toque una de las opciones o escriba su número.",
		"Desculpe, não entendi. Toque em uma das opções ou escreva o número.",
		"Désolé, je n’ai pas compris. Touchez l’un des choix ou écrivez son numéro.",
		"عذرًا، لم أفهم ذلك. يرجى اختيار أحد الخيارات أو كتابة رقمه.",
		"Maaf, saya tidak mengerti. Silakan ketuk salah satu pilihan atau tulis nomornya."),
	Stale: several("That was from an earlier message.", "वह पहले के संदेश से था।", "Eso era de un mensaje anterior.",
		"Isso era de uma mensagem anterior.", "Cela venait d’un message précédent.", "كان ذلك من رسالة سابقة.", "Itu dari pesan sebelumnya."),
	Moment: several("One moment, please.", "कृपया एक क्षण रुकें।", "Un momento, por favor.", "Um momento, por favor.",
		"Un instant, s’il vous plaît.", "لحظة من فضلك.", "Mohon tunggu sebentar."),
	Waiting: several("Thank you, I have seen your message. Write *menu* for what I can do now.",
		"धन्यवाद, मैंने आपका संदेश देख लिया है। विकल्पों के लिए *मेनू* लिखें।",
		"Gracias, he visto su mensaje. Escriba *menú* para ver qué puedo hacer ahora.",
		"Obrigado, vi sua mensagem. Escreva *menu* para ver o que posso fazer agora.",
		"Merci, j’ai vu votre message. Écrivez *menu* pour voir ce que je peux faire maintenant.",
		"شكرًا، لقد رأيت رسالتك. اكتب *القائمة* لمعرفة ما يمكنني فعله الآن.",
		"Terima kasih, pesan Anda sudah saya lihat. Tulis *menu* untuk melihat pilihan."),
	Pay: several("Here is your payment link.", "यह रहा आपका भुगतान लिंक।", "Aquí tiene su enlace de pago.", "Aqui está o seu link de pagamento.",
		"Voici votre lien de paiement.", "إليك رابط الدفع.", "Ini tautan pembayaran Anda."),
	PayButton: several("Pay now", "अभी भुगतान करें", "Pagar ahora", "Pagar agora", "Payer", "ادفع الآن", "Bayar sekarang"),
	Unpaid: several("I am waiting for your payment: the link is in my message above. Write *menu* to do something else.",
		"मैं आपके भुगतान की प्रतीक्षा कर रहा हूँ: लिंक ऊपर है। कुछ और करने के लिए *मेनू* लिखें।",
		"Estoy esperando su pago: el enlace está en mi mensaje anterior. Escriba *menú* para hacer otra cosa.",
		"Estou aguardando seu pagamento: o link está na mensagem acima. Escreva *menu* para fazer outra coisa.",
		"J’attends votre paiement : le lien est dans mon message ci-dessus. Écrivez *menu* pour faire autre chose.",
		"أنا بانتظار دفعتك: الرابط في رسالتي أعلاه. اكتب *القائمة* لفعل شيء آخر.",
		"Saya menunggu pembayaran Anda: tautannya ada di pesan di atas. Tulis *menu* untuk melakukan hal lain."),
	Handoff: several("I am handing you over to a colleague, who will answer here.", "मैं आपको एक सहकर्मी से जोड़ रहा हूँ, जो यहीं उत्तर देंगे।",
		"Le paso con un compañero, que le responderá aquí.", "Vou passar você para um colega, que responderá aqui.",
		"Je vous mets en relation avec un collègue, qui vous répondra ici.", "سأحولك إلى زميل سيجيبك هنا.",
		"Saya hubungkan Anda dengan rekan saya, yang akan menjawab di sini."),
	Queued: several("Nobody is free right now. Somebody will answer you here as soon as possible.",
		"अभी कोई उपलब्ध नहीं है। कोई जल्द से जल्द आपको यहीं उत्तर देगा।",
		"Ahora mismo no hay nadie disponible. Le responderán aquí lo antes posible.",
		"Não há ninguém disponível agora. Alguém responderá aqui assim que possível.",
		"Personne n’est disponible pour le moment. On vous répondra ici dès que possible.",
		"لا أحد متاح الآن. سيجيبك أحدنا هنا في أقرب وقت ممكن.",
		"Saat ini tidak ada petugas yang tersedia. Anda akan dijawab di sini secepatnya."),
	Noted: several("Nobody is free right now. I have passed on what you wrote, and the answer will come here.",
		"अभी कोई उपलब्ध नहीं है। आपका संदेश आगे भेज दिया गया है, उत्तर यहीं आएगा।",
		"Ahora mismo no hay nadie disponible. He pasado su mensaje y la respuesta llegará aquí.",
		"Não há ninguém disponível agora. Encaminhei sua mensagem, e a resposta virá por aqui.",
		"Personne n’est disponible pour le moment. J’ai transmis votre message, la réponse arrivera ici.",
		"لا أحد متاح الآن. لقد نقلت رسالتك، وسيصلك الرد هنا.",
		"Saat ini tidak ada petugas yang tersedia. Pesan Anda sudah saya teruskan, jawabannya akan dikirim di sini."),
	Cancelled: several("Cancelled. Write to me whenever you like.", "रद्द कर दिया गया। जब चाहें मुझे लिखें।", "Cancelado. Escríbame cuando quiera.",
		"Cancelado. Escreva quando quiser.", "Annulé. Écrivez-moi quand vous voulez.", "تم الإلغاء. راسلني متى شئت.", "Dibatalkan. Tulis kapan saja Anda mau."),
	Trouble: several("Sorry, something went wrong on our side.", "क्षमा करें, हमारी ओर से कुछ गड़बड़ हो गई।", "Perdón, algo ha fallado por nuestra parte.",
		"Desculpe, algo deu errado do nosso lado.", "Désolé, un problème est survenu de notre côté.", "عذرًا، حدث خطأ من جانبنا.", "Maaf, ada masalah di pihak kami."),
	Yes:  several("Yes", "हाँ", "Sí", "Sim", "Oui", "نعم", "Ya"),
	No:   several("No", "नहीं", "No", "Não", "Non", "لا", "Tidak"),
	List: several("Choose", "चुनें", "Elegir", "Escolher", "Choisir", "اختر", "Pilih"),

	Skip:   several("Skip", "छोड़ें", "Omitir", "Pular", "Passer", "تخطي", "Lewati"),
	Done:   several("Done", "हो गया", "Listo", "Pronto", "Terminé", "تم", "Selesai"),
	Chosen: several("Chosen so far:", "अब तक चुना गया:", "Elegido hasta ahora:", "Escolhido até agora:", "Choisi jusqu’ici :", "المختار حتى الآن:", "Sudah dipilih:"),
	Help: several("Write *menu* for what I can do, *back* for the previous question, *agent* for a person.",
		"मैं क्या कर सकता हूँ, इसके लिए *मेनू* लिखें, पिछले प्रश्न के लिए *वापस*, किसी व्यक्ति के लिए *एजेंट*।",
		"Escriba *menú* para ver qué puedo hacer, *atrás* para la pregunta anterior, *agente* para hablar con una persona.",
		"Escreva *menu* para ver o que posso fazer, *voltar* para a pergunta anterior, *atendente* para falar com uma pessoa.",
		"Écrivez *menu* pour voir ce que je peux faire, *retour* pour la question précédente, *agent* pour une personne.",
		"اكتب *القائمة* لمعرفة ما يمكنني فعله، *رجوع* للسؤال السابق، *موظف* للتحدث مع شخص.",
		"Tulis *menu* untuk melihat pilihan, *kembali* untuk pertanyaan sebelumnya, *agen* untuk berbicara dengan petugas."),
	NoBack: several("There is nothing to go back to.", "पीछे जाने के लिए कुछ नहीं है।", "No hay nada anterior.", "Não há nada antes.",
		"Il n’y a rien avant.", "لا يوجد ما يمكن الرجوع إليه.", "Tidak ada yang sebelumnya."),
	Language: several("Which language would you like?", "आप कौन सी भाषा चाहते हैं?", "¿Qué idioma prefiere?", "Qual idioma você prefere?",
		"Quelle langue préférez-vous ?", "ما اللغة التي تفضلها؟", "Bahasa apa yang Anda inginkan?"),
	LanguageSet: several("I will speak English from now on.", "अब से मैं हिन्दी में बात करूँगा।", "A partir de ahora hablaré español.",
		"A partir de agora falarei português.", "Je parlerai français à partir de maintenant.", "سأتحدث بالعربية من الآن فصاعدًا.",
		"Mulai sekarang saya akan berbahasa Indonesia."),
	Stopped: several("You will get no more messages from us. Write *start* to get them again.",
		"अब आपको हमसे कोई संदेश नहीं मिलेगा। फिर से पाने के लिए *शुरू* लिखें।",
		"No recibirá más mensajes nuestros. Escriba *alta* para volver a recibirlos.",
		"Você não receberá mais mensagens nossas. Escreva *retomar* para voltar a receber.",
		"Vous ne recevrez plus de messages de notre part. Écrivez *reprendre* pour en recevoir à nouveau.",
		"لن تصلك رسائل منا بعد الآن. اكتب *تفعيل* لاستلامها مجددًا.",
		"Anda tidak akan menerima pesan lagi dari kami. Tulis *aktifkan* untuk menerimanya kembali."),
	Summary: several("Is this right?", "क्या यह सही है?", "¿Es correcto?", "Está correto?", "Est-ce correct ?", "هل هذا صحيح؟", "Apakah ini benar?"),
	Send:    several("Yes, send it", "हाँ, भेजें", "Sí, enviar", "Sim, enviar", "Oui, envoyer", "نعم، أرسل", "Ya, kirim"),
	Change:  several("Change", "बदलें", "Cambiar", "Alterar", "Modifier", "تغيير", "Ubah"),
	Agree:   several("I agree", "मैं सहमत हूँ", "Acepto", "Concordo", "J’accepte", "أوافق", "Saya setuju"),
	Decline: several("I do not agree", "मैं सहमत नहीं हूँ", "No acepto", "Não concordo", "Je refuse", "لا أوافق", "Saya tidak setuju"),
	Resend:  several("Send another code", "दूसरा कोड भेजें", "Enviar otro código", "Enviar outro código", "Envoyer un autre code", "أرسل رمزًا آخر", "Kirim kode lain"),
	WrongCode: several("That is not the code.", "यह कोड सही नहीं है।", "Ese no es el código.", "Esse não é o código.",
		"Ce n’est pas le bon code.", "هذا ليس الرمز الصحيح.", "Kodenya salah."),
	SlotTaken: several("Sorry, somebody has just taken that time.", "क्षमा करें, वह समय अभी किसी और ने ले लिया।", "Perdón, alguien acaba de tomar esa hora.",
		"Desculpe, alguém acabou de marcar esse horário.", "Désolé, quelqu’un vient de prendre ce créneau.", "عذرًا، لقد حجز شخص آخر هذا الموعد للتو.",
		"Maaf, waktu itu baru saja diambil orang lain."),
	LaterSlots: several("Later times", "बाद के समय", "Más tarde", "Mais tarde", "Plus tard", "مواعيد لاحقة", "Waktu berikutnya"),
	Watch:      several("Watch live", "लाइव देखें", "Ver en directo", "Assistir ao vivo", "Voir en direct", "شاهد البث المباشر", "Tonton langsung"),
}

// several gives one of the engine's texts in its seven languages.
func several(en, hi, es, pt, fr, ar, id string) *phrase {
	p := &phrase{ours: true}
	for _, one := range [...][2]string{{"en", en}, {"hi", hi}, {"es", es}, {"pt", pt}, {"fr", fr}, {"ar", ar}, {"id", id}} {
		p.forms = append(p.forms, form{language: one[0], phrase: literal(one[1])})
	}
	return p
}

func literal(s string) *phrase {
	return &phrase{source: s, parts: []part{{literal: s}}}
}

// own gives the document's own text, else the other.
func own(mine, other *phrase) *phrase {
	if mine != nil {
		return mine
	}
	return other
}

// or fills what a document leaves open.
func (t texts) or(other texts) texts {
	mine, theirs := reflect.ValueOf(&t).Elem(), reflect.ValueOf(other)
	for i := range mine.NumField() {
		if f := mine.Field(i); f.IsNil() {
			f.Set(theirs.Field(i))
		}
	}
	return t
}
