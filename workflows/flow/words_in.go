package flow

// globalWordsIn are the global words that hold where a document gives none, by
// language.
var globalWordsIn = map[string]map[string][]string{
	"en": {
		"menu": {"menu", "main menu"}, "back": {"back", "go back"}, "cancel": {"cancel", "never mind"},
		"start_over": {"start over", "restart"},
		"agent": {"agent", "human", "talk to an agent", "talk to agent", "talk to a human", "talk to human",
			"talk to a person", "speak to an agent", "speak to a human", "speak to a person"},
		"language": {"language", "change language"}, "help": {"help"},
		"stop": {"stop", "unsubscribe"}, "start": {"start", "unstop", "subscribe"},
	},
	"hi": {
		"menu": {"मेनू", "मेन्यू", "मुख्य मेनू"}, "back": {"वापस", "पीछे"}, "cancel": {"रद्द", "रद्द करें", "रहने दो"},
		"start_over": {"फिर से शुरू", "फिर से शुरू करें"},
		"agent":      {"एजेंट", "एजेंट से बात", "एजेंट से बात करें", "इंसान से बात", "किसी व्यक्ति से बात करें"},
		"language":   {"भाषा", "भाषा बदलें"}, "help": {"मदद", "सहायता"},
		"stop": {"रोकें", "बंद करो", "बंद करें"}, "start": {"शुरू", "चालू करें"},
	},
	"es": {
		"menu": {"menú", "menu", "menú principal"}, "back": {"atrás", "volver", "atras"}, "cancel": {"cancelar"},
		"start_over": {"empezar de nuevo", "reiniciar"},
		"agent":      {"agente", "humano", "hablar con un agente", "hablar con una persona", "persona"},
		"language":   {"idioma", "cambiar idioma"}, "help": {"ayuda"},
		"stop": {"parar", "baja"}, "start": {"alta", "reanudar"},
	},
	"pt": {
		"menu": {"menu", "menu principal"}, "back": {"voltar"}, "cancel": {"cancelar"},
		"start_over": {"recomeçar", "começar de novo", "reiniciar"},
		"agent":      {"atendente", "agente", "humano", "falar com um atendente", "falar com atendente", "falar com uma pessoa"},
		"language":   {"idioma", "mudar idioma", "língua"}, "help": {"ajuda"},
		"stop": {"parar", "sair"}, "start": {"retomar", "reativar"},
	},
	"fr": {
		"menu": {"menu", "menu principal"}, "back": {"retour"}, "cancel": {"annuler"},
		"start_over": {"recommencer"},
		"agent":      {"agent", "humain", "conseiller", "parler à un agent", "parler à un conseiller", "parler à une personne"},
		"language":   {"langue", "changer de langue"}, "help": {"aide"},
		"stop": {"arrêter", "arret", "arrêt"}, "start": {"reprendre", "réactiver"},
	},
	"ar": {
		"menu": {"القائمة", "قائمة", "القائمة الرئيسية"}, "back": {"رجوع", "عودة"}, "cancel": {"إلغاء", "الغاء"},
		"start_over": {"ابدأ من جديد", "البدء من جديد"},
		"agent":      {"موظف", "وكيل", "التحدث إلى موظف", "التحدث مع موظف", "شخص حقيقي"},
		"language":   {"اللغة", "تغيير اللغة"}, "help": {"مساعدة", "المساعدة"},
		"stop": {"إيقاف", "توقف", "ايقاف"}, "start": {"تفعيل", "استئناف"},
	},
	"id": {
		"menu": {"menu", "menu utama"}, "back": {"kembali"}, "cancel": {"batal", "batalkan"},
		"start_over": {"mulai ulang", "ulangi dari awal"},
		"agent":      {"agen", "manusia", "bicara dengan agen", "bicara dengan petugas", "petugas"},
		"language":   {"bahasa", "ganti bahasa"}, "help": {"bantuan"},
		"stop": {"berhenti"}, "start": {"lanjutkan", "aktifkan"},
	},
}

// nameOf gives a language's name for itself; of a language that is not known, its tag.
func nameOf(tag string) string {
	if name := languageNames[tag]; name != "" {
		return name
	}
	return tag
}

// languageNames are the languages' own names for themselves (CLDR 46).
var languageNames = map[string]string{
	"ar": "العربية", "bn": "বাংলা", "cs": "čeština", "da": "dansk", "de": "Deutsch", "el": "Ελληνικά", "en": "English",
	"es": "español", "fa": "فارسی", "fi": "suomi", "fr": "français", "gu": "ગુજરાતી", "he": "עברית", "hi": "हिन्दी",
	"hu": "magyar", "id": "Bahasa Indonesia", "it": "italiano", "ja": "日本語", "kn": "ಕನ್ನಡ", "ko": "한국어",
	"ml": "മലയാളം", "mr": "मराठी", "ms": "Melayu", "nl": "Nederlands", "pa": "ਪੰਜਾਬੀ", "pl": "polski", "pt": "português",
	"pt-BR": "português (Brasil)", "ro": "română", "ru": "русский", "sv": "svenska", "sw": "Kiswahili", "ta": "தமிழ்",
	"te": "తెలుగు", "th": "ไทย", "tr": "Türkçe", "uk": "українська", "ur": "اردو", "vi": "Tiếng Việt", "zh": "中文",
}
