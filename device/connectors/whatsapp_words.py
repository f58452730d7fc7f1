"""The words WhatsApp itself writes into a chat export, in the languages read here.

WhatsApp exports in the phone's language and documents none of this; the phrases are collected from
exports in the wild (Android and iOS; English, German, Spanish, French, Italian, Portuguese, Hindi).
iOS, and Android for some lines, put U+200E before the app's own words. With that mark most lines
are known for what they are in any language; without it only the exact phrases below count, since a
person may write "Ben left" too. What is not recognised stays as the person's own text: a missed
phrase costs an odd line, a wrong guess would cost a message.
"""

from __future__ import annotations

import re

from device.connectors.reading import poll_line

MARKS = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
"""Direction marks that WhatsApp sets around names and media. Not U+200D, which joins emoji."""

_EMBEDDINGS = dict.fromkeys(map(ord, MARKS[2:]))
_LRM = "\u200e"


def _keys(*phrases: str) -> frozenset[str]:
    return frozenset(one.casefold() for phrase in phrases for one in phrase.split(" | "))


OMITTED = {
    "[media]": _keys(
        "<Media omitted> | <Medien ausgeschlossen> | <Medien weggelassen> | <Multimedia omitido>",
        "<Archivo omitido> | <Médias omis> | <Fichier omis> | <Media omessi> | <Media omesso>",
        "<Mídia oculta> | <Arquivo de mídia oculto> | <Ficheiro não revelado>",
        "<मीडिया के बिना> | <मीडिया हटाया गया>",
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
    ),
    "[location]": _keys("live location shared | Live-Standort wird geteilt"),
    "[message that has not arrived yet]": _keys(
        "Waiting for this message. This may take a while | Waiting for this message",
        "In attesa del messaggio",
    ),
}
_PLACEHOLDER = {phrase: placeholder for placeholder, keys in OMITTED.items() for phrase in keys}

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
_CALL_STARTS = tuple(phrase for phrases in CALLS.values() for phrase in phrases)

ENCRYPTED = tuple(
    _keys(
        "Messages and calls are end-to-end encrypted | Messages to this chat and calls are now",
        "Messages to this group are now | Messages you send to this group are now secured",
        "Nachrichten und Anrufe sind Ende-zu-Ende | Nachrichten in diesem Chat sowie Anrufe",
        "Los mensajes y las llamadas están cifrados | Les messages et les appels sont chiffrés",
        "I messaggi e le chiamate sono crittografati | As mensagens e as ligações são protegidas",
        "As mensagens e ligações são protegidas | Mensagens e chamadas são protegidas",
        "As mensagens e as chamadas são protegidas | As mensagens e chamadas são encriptadas",
        "मैसेज और कॉल एंड-टू-एंड",
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

_ATTACHMENT = (
    (r"\.vcf$", "[contact: {stem}]"),
    (r"sticker|^stk-|\.webp$", "[sticker]"),
    (r"-gif-|\.gif$", "[GIF]"),
    (r"^img-|-photo-|\.(jpe?g|png|heic)$", "[photo]"),
    (r"^vid-|-video-|\.(mp4|mov|3gp|mkv)$", "[video]"),
    (r"^ptt-|-audio-|\.opus$", "[voice message]"),
    (r"^aud-|\.(mp3|m4a|aac|amr|ogg|wav)$", "[audio]"),
    (r"", "[document: {name}]"),
)
_IOS_NUMBER = re.compile(r"^[0-9]{8}-")
_IOS_FILE = re.compile(r"([^:：]{2,30}?)\s?[:：]\s?([^\n]*\.\w{1,5})>")
_ANDROID_FILE = re.compile(r"(\u200e?)(.+\.\w{0,5}) \(([^()]{3,40})\)")
_ANDROID_NAME = re.compile(r"(IMG|VID|PTT|AUD|STK|DOC)-[0-9]{8}-WA[0-9]+\.")
_POLL = re.compile(r"(\w+)\s?:")
_OPTION = re.compile(r"(\w+)\s?: (.*?) ?\((\d{1,9}) \w+\)")
_MAP = re.compile(r":\s+https?://maps\.(?:google|apple)\.com/\S*$")


def shown(text: str, *, chat_speaks: bool = False) -> str | None:
    """A message's text as it is shown: media as "[photo]", an edit mark gone, a poll as one line.

    None for a notice that is no person's message. `chat_speaks` says that the sender is the group
    itself, which sends nothing but notices.
    """
    led = text.startswith(_LRM)
    text = _without_edit_mark(text)
    key = _key(text)
    known = _media(text) or _call(key, exactly=not led) or _poll(text) or _place(text)
    if known is not None:
        return known
    if key.startswith(ENCRYPTED) or (led and (chat_speaks or _is_notice(key))):
        return None
    return plain(text) or "[empty message]"


def _is_notice(key: str) -> bool:
    """Whether marked words are WhatsApp's own; a person's keyboard may set the mark too."""
    short = len(key) <= 200 and "\n" not in key
    return short and any(word in key for word in NOTICE)


def missed_call(notice: str) -> str | None:
    """A missed call from a line that names no sender (Android); None for any other notice."""
    found = _call(_key(notice), exactly=False)
    return found if found and "missed" in found else None


def is_encryption_notice(text: str) -> bool:
    """Whether this is the notice that opens an export."""
    return _key(text).startswith(ENCRYPTED)


def speaks_of_group(notice: str) -> bool:
    """Whether a notice is one that only a group has."""
    key = _key(notice)
    return any(word in key for word in GROUP)


def plain(text: str) -> str:
    """A person's text without the direction marks that WhatsApp set in it."""
    if text.isascii():
        return text.strip()
    lines = text.translate(_EMBEDDINGS).split("\n")
    return "\n".join(line.strip(MARKS) for line in lines).strip()


def _key(text: str) -> str:
    return plain(text).casefold().rstrip(".। ").replace(_LRM, "")


def _captioned(placeholder: str, caption: str) -> str:
    return f"{placeholder} {plain(caption)}".rstrip()


def _without_edit_mark(text: str) -> str:
    before, bracket, last = text.rpartition("<")
    mark = last[:-1]
    if not bracket or not last.endswith(">") or ":" in mark or not plain(before):
        return text
    by_app = before.endswith(_LRM) and _key(bracket + last) not in _PLACEHOLDER
    return before.rstrip() if by_app or _key(mark) in EDITED else text


def _media(text: str) -> str | None:
    """Media, left out of the export or attached to it, and deleted messages; with the caption."""
    first, _, rest = text.partition("\n")
    placeholder = _PLACEHOLDER.get(_key(first))
    if placeholder and (not rest or first.startswith((_LRM, "<"))):
        return _captioned(placeholder, rest)
    before, mark, last = text.rpartition(_LRM)
    if mark and (placeholder := _PLACEHOLDER.get(_key(last))):
        if placeholder == "[document]":  # "report.pdf • \u200e2 pages \u200edocument omitted"
            return f"[document: {plain(before).split(' • ')[0]}]"
        return _captioned(placeholder, before)
    before, bracket, last = text.rpartition("<")
    ios = _IOS_FILE.fullmatch(last) if bracket else None
    if ios and (before.endswith(_LRM) or _key(ios[1]) in ATTACHED or _IOS_NUMBER.match(ios[2])):
        file = _attachment(ios[2])
        pages = file.startswith("[document") and " • " in before  # "report • 2 pages"
        return _captioned(file, "" if pages else before)
    android = _ANDROID_FILE.fullmatch(first)
    if android and (android[1] or _key(android[3]) in ATTACHED or _ANDROID_NAME.match(android[2])):
        name = plain(android[2])
        # Android repeats a document's name under it, as if that were its caption.
        repeated = plain(rest) in (name, name.rpartition(".")[0])
        return _captioned(_attachment(name), "" if repeated else rest)
    return None


def _attachment(name: str) -> str:
    kind = next(words for pattern, words in _ATTACHMENT if re.search(pattern, name.casefold()))
    name = _IOS_NUMBER.sub("", plain(name))
    return kind.format(name=name, stem=name.rpartition(".")[0])


def _call(key: str, *, exactly: bool) -> str | None:
    if not key.startswith(_CALL_STARTS):
        return None
    for placeholder, phrases in CALLS.items():
        for phrase in phrases:
            follows = key[len(phrase) :]
            # iOS goes on "Missed voice call. Tap to call back", old Android " at 10:05 PM".
            if key.startswith(phrase) and (not follows or (not exactly and follows[0] in ".,; ")):
                return placeholder if "missed" in placeholder or not exactly else None
    return None


def _poll(text: str) -> str | None:
    """POLL:, the question, and each OPTION: text (n votes), on lines of their own."""
    first, *lines = text.split("\n")
    label = _POLL.fullmatch(plain(first))
    if not label or not (first.startswith(_LRM) or _key(label[1]) in POLL):
        return None
    options: list[tuple[str, int]] = []
    while lines and (option := _OPTION.fullmatch(plain(lines[-1].replace(_LRM, "")))):
        options.insert(0, (option[2], int(option[3])))
        lines.pop()
    return poll_line(plain("\n".join(lines)), options) if lines and options else None


def _place(text: str) -> str | None:
    """A place by its name, without the map link that nobody can follow on a lens."""
    found = _MAP.search(text)
    if not found:
        return None
    above, _, label = text[: found.start()].rpartition("\n")
    labelled = _key(label) in LOCATION
    if not (labelled or text.startswith(_LRM)):
        return None
    lines = [] if not above else plain(above).split("\n")
    if not labelled:
        lines.append(plain(label))
    return _captioned("[location]", ", ".join(dict.fromkeys(lines)))
