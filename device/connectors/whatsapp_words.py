"""The words WhatsApp itself writes into a chat export, in the languages read here.

WhatsApp exports in the phone's language and documents none of this; the phrases are collected from
exports in the wild (Android and iOS; English, German, Spanish, French, Italian, Portuguese, Hindi,
and the commonest in Arabic and Chinese).
iOS, and Android for some lines, put U+200E before the app's own words. With that mark most lines
are known for what they are in any language; without it only the exact phrases below count, since a
person may write "Ben left" too. What is not recognised stays as the person's own text: a missed
phrase costs an odd line, a wrong guess would cost a message.
"""

from __future__ import annotations

MARKS = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
"""Direction marks that WhatsApp sets around names and media. Not U+200D, which joins emoji."""
LRM = "\u200e"
"""The one it sets before words of its own."""

HALVES_AFTER = (
    r"[ap]\.?\s?m\.?|पूर्वाह्न|अपराह्न|[صم]|[قب]\.ظ\.?|[πμ]\.?\s?μ\.?|sa|ch|(?:לפנה|אחה)[\"״]צ"
)
"""Halves of the day behind the hour: Latin, Hindi, Arabic, Persian, Greek, Vietnamese, Hebrew."""
HALVES_BEFORE = "凌晨|清晨|早上|上午|中午|下午|傍晚|晚上|午前|午後|오전|오후"
"""Those before it: Chinese, Japanese, Korean. Chinese phones name more than two."""
AFTERNOON = (
    "p",
    "अपराह्न",
    "م",
    "ب",
    "μ",
    "ch",
    "אחה",
    "中午",
    "下午",
    "傍晚",
    "晚上",
    "午後",
    "오후",
)
"""How the later half begins. Noon is in it: "中午12:30" is half past twelve."""


def _keys(*phrases: str) -> frozenset[str]:
    return frozenset(one.casefold() for phrase in phrases for one in phrase.split(" | "))


OMITTED = {
    "[media]": _keys(
        "<Media omitted> | <Medien ausgeschlossen> | <Medien weggelassen> | <Multimedia omitido>",
        "<Archivo omitido> | <Médias omis> | <Fichier omis> | <Media omessi> | <Media omesso>",
        "<Mídia oculta> | <Arquivo de mídia oculto> | <Ficheiro não revelado>",
        "<मीडिया के बिना> | <मीडिया हटाया गया> | <تم استبعاد الوسائط>",
        "<省略多媒体文件> | <忽略多媒體檔>",
    ),
    "[photo]": _keys(
        "image omitted | Bild weggelassen | imagen omitida | image absente | image omise",
        "immagine omessa | imagem ocultada | imagem oculta | imagem não revelada",
    ),
    "[video]": _keys(
        "video omitted | Video weggelassen | video omitido | vídeo omitido | vidéo absente",
        "vidéo omise | video omesso | vídeo ocultado | vídeo não revelado",
    ),
    "[video message]": _keys(
        "video note omitted | <Video note omitted> | Videonachricht weggelassen",
        "Videonotiz weggelassen",
    ),
    "[voice message]": _keys(
        "audio omitted | Audio weggelassen | audio omitido | audio omis | audio omesso",
        "áudio ocultado | áudio oculto | ficheiro de áudio não revelado",
        "View once voice message omitted | <View once voice message omitted>",
        "<Il messaggio vocale visualizzabile una volta è stato omesso>",
    ),
    "[sticker]": _keys(
        "sticker omitted | <Sticker omitted> | Sticker weggelassen | sticker omitido",
        "sticker omis | sticker omesso | sticker non incluso | figurinha omitida",
        "sticker não revelado",
    ),
    "[GIF]": _keys(
        "GIF omitted | GIF weggelassen | GIF omitido | GIF omitida | GIF retiré | GIF omis",
        "GIF esclusa | GIF omessa | GIF não revelada",
    ),
    "[document]": _keys(
        "document omitted | Dokument weggelassen | documento omitido | document manquant",
        "document omis | documento omesso | documento não revelado",
    ),
    "[contact]": _keys(
        "Contact card omitted | Kontaktkarte ausgelassen | Kontaktkarte weggelassen",
        "Tarjeta de contacto omitida | Fiche contact manquante | Scheda contatto omessa",
        "Cartão do contato omitido | Contacto não revelado",
    ),
    "[deleted message]": _keys(
        "This message was deleted | You deleted this message",
        "This message was deleted by an admin",
        "Diese Nachricht wurde gelöscht | Du hast diese Nachricht gelöscht",
        "Se eliminó este mensaje | Eliminaste este mensaje | Este mensaje fue eliminado",
        "Ce message a été supprimé | Vous avez supprimé ce message",
        "Questo messaggio è stato eliminato | Hai eliminato questo messaggio",
        "Mensagem apagada | Esta mensagem foi apagada | Essa mensagem foi apagada",
        "Você apagou esta mensagem | Apagou esta mensagem | Apagaste esta mensagem",
        "यह मैसेज डिलीट कर दिया गया है | यह मैसेज डिलीट कर दिया गया | यह मैसेज मिटाया गया",
        "यह संदेश मिटाया गया | आपने यह मैसेज डिलीट कर दिया | आपने यह मैसेज मिटाया",
        "تم حذف هذه الرسالة | لقد حذفت أنت هذه الرسالة",
    ),
    "[location]": _keys("live location shared | Live-Standort wird geteilt"),
    "[message that has not arrived yet]": _keys(
        "Waiting for this message. This may take a while | Waiting for this message",
        "In attesa del messaggio",
    ),
}

EDITED = _keys(
    "This message was edited | Diese Nachricht wurde bearbeitet | Se editó este mensaje",
    "Este mensaje fue editado | Ce message a été modifié | Questo messaggio è stato modificato",
    "Mensagem editada | Esta mensagem foi editada",
)
ATTACHED = _keys(
    "attached | file attached | Anhang | Datei angehängt | adjunto | archivo adjunto",
    "pièce jointe | fichier joint | allegato | file allegato | anexado | anexo",
    "arquivo anexado | ficheiro anexado | संलग्न",
)
LOCATION = _keys("Location | Standort | Ubicación | Localisation | Position | Posizione")
LOCATION |= _keys("Localização | लोकेशन | स्थान")
POLL = _keys("Poll | Umfrage | Encuesta | Sondage | Sondaggio | Enquete | Sondagem | पोल")
CALLS = {
    "[missed voice call]": _keys(
        "Missed voice call | Missed group voice call | Missed call | Verpasster Sprachanruf",
        "Verpasster Gruppen-Sprachanruf | Llamada perdida | Llamada de voz perdida",
        "Appel vocal manqué | Chiamata vocale persa | Chamada de voz perdida",
        "Ligação de voz perdida | Chamada de voz não atendida | वॉइस कॉल मिस हुई",
    ),
    "[missed video call]": _keys(
        "Missed video call | Missed group video call | Verpasster Videoanruf",
        "Verpasster Gruppen-Videoanruf | Videollamada perdida | Appel vidéo manqué",
        "Videochiamata persa | Chamada de vídeo perdida | Ligação de vídeo perdida",
        "Videochamada não atendida | वीडियो कॉल मिस हुई",
    ),
    "[voice call]": _keys(
        "Voice call | Sprachanruf | Llamada de voz | Appel vocal | Chiamata vocale",
        "Chamada de voz | Ligação de voz",
    ),
    "[video call]": _keys(
        "Video call | Videoanruf | Videollamada | Appel vidéo | Videochiamata",
        "Chamada de vídeo | Ligação de vídeo | Videochamada",
    ),
}

ENCRYPTED = tuple(
    _keys(
        "Messages and calls are end-to-end encrypted | Messages to this chat and calls are now",
        "Messages to this group are now | Messages you send to this group are now secured",
        "Nachrichten und Anrufe sind Ende-zu-Ende | Nachrichten in diesem Chat sowie Anrufe",
        "Los mensajes y las llamadas están cifrados | Les messages et les appels sont chiffrés",
        "I messaggi e le chiamate sono crittografati | As mensagens e as ligações são protegidas",
        "As mensagens e ligações são protegidas | Mensagens e chamadas são protegidas",
        "As mensagens e as chamadas são protegidas | As mensagens e chamadas são encriptadas",
        "मैसेज और कॉल एंड-टू-एंड | الرسائل والمكالمات مشفرة | الرسائل والمكالمات مشفّرة",
        "消息和通话均受端到端加密 | 消息和通话已进行端到端加密",
    )
)
"""How the notice begins that opens an export; WhatsApp "sends" it in the chat's own name on iOS."""

GROUP = tuple(_keys("group | gruppe | grupo | groupe | gruppo | ग्रुप | समूह | community"))
"""What only the notices of a group say."""

NOTICE = GROUP + tuple(
    _keys(
        " added | removed | left | joined | changed | admin | created | pinned | turned o",
        "security code | disappearing | blocked | is a contact | message timer | now an admin",
        "hinzugefügt | entfernt | verlassen | beigetreten | geändert | erstellt | angepinnt",
        "sicherheitsnummer | sicherheitscode | selbstlöschende | blockiert | ist ein kontakt",
        "añadió | añadiste | eliminó a | salió | se unió | cambió | creó | fijó | te uniste",
        "código de seguridad | mensajes temporales | bloqueaste | es un contacto",
        "a ajouté | a retiré | a quitté | a rejoint | a changé | a modifié | a créé",
        "a épinglé | code de sécurité | messages éphémères | avez bloqué",
        "ha aggiunto | hai aggiunto | ha rimosso | ha abbandonato | è entrat | ha cambiato",
        "ha modificato | ha creato | ha fissato | codice di sicurezza | messaggi effimeri",
        "adicionou | removeu | saiu | entrou | mudou | alterou | criou | fixou",
        "código de segurança | mensagens temporárias | bloqueou | é um contato",
        "जोड़ा | निकाला | हटाया | छोड़ | शामिल हु | बदल | बनाया | पिन किया | सुरक्षा कोड | एडमिन",
    )
)
"""What WhatsApp's other notices say; looked for only where it is the app that speaks."""
