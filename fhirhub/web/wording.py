"""What the pages for people say, in plain Dutch and English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from fhirhub.auth.permits import Grant
from fhirhub.auth.roles import ROLES
from fhirhub.auth.scopes import Scope
from fhirhub.resources import hours

Language = Literal["nl", "en"]
LANGUAGES: Mapping[Language, str] = {"nl": "Nederlands", "en": "English"}

TEXTS: Mapping[str, tuple[str, str]] = {
    "sign_in": ("Inloggen", "Sign in"),
    "sign_in_for": ("Log in om {app} te gebruiken", "Sign in to use {app}"),
    "username": ("Gebruikersnaam", "User name"),
    "password": ("Wachtwoord", "Password"),
    "sign_in_with": ("Inloggen met {provider}", "Sign in with {provider}"),
    "or": ("Of log anders in", "Or sign in otherwise"),
    "wrong_password": (
        "De gebruikersnaam en het wachtwoord horen niet bij elkaar. Probeer het opnieuw.",
        "That user name and password do not belong together. Try again.",
    ),
    "wait": (
        "Er is te vaak een fout wachtwoord ingevuld. Probeer het over {minutes} minuten opnieuw.",
        "A wrong password was given too often. Try again in {minutes} minutes.",
    ),
    "have_code": ("Ik heb een code", "I have a code"),
    "invitation_hint": (
        "Iemand heeft u uitgenodigd om mee te kijken. Vul de code in die u kreeg, en de geboortedatum van de patiënt.",
        "Somebody invited you to take part. Fill in the code that you were given, and the patient's birth date.",
    ),
    "invitation_code": ("Code", "Code"),
    "invitation_born": ("Geboortedatum van de patiënt", "The patient's birth date"),
    "wrong_invitation": (
        "Die code en geboortedatum horen niet bij elkaar, of de code geldt niet meer. Vraag zo nodig een nieuwe.",
        "That code and birth date do not belong together, or the code has ended. Ask for a new one if need be.",
    ),
    "invitation_account": ("Maak uw account", "Make your account"),
    "invitation_account_hint": (
        "U bent {name}, naaste van {patient}. Kies een gebruikersnaam en een wachtwoord. Hebt u hier al een account, "
        "vul dan die gebruikersnaam en dat wachtwoord in.",
        "You are {name}, a relative of {patient}. Choose a user name and a password. If you have an account here "
        "already, give its user name and password.",
    ),
    "invitation_password_hint": (
        "Een nieuw wachtwoord heeft minstens {shortest} tekens.",
        "A new password has {shortest} characters at least.",
    ),
    "account_taken": (
        "Deze gebruikersnaam is al van een ander, of het wachtwoord hoort er niet bij.",
        "That user name is somebody else's, or the password does not belong to it.",
    ),
    "account_wrong": (
        "Kies een gebruikersnaam zonder spaties en een wachtwoord van minstens {shortest} tekens dat niet makkelijk te "
        "raden is.",
        "Choose a user name without spaces, and a password of {shortest} characters at least that is not easily "
        "guessed.",
    ),
    "wrong_person": (
        "Deze app is gestart voor iemand anders. Log in als die persoon.",
        "This app was started for somebody else. Sign in as that person.",
    ),
    "no_standing": (
        "Bij dit account hoort geen persoon, of die werkt hier niet meer. Vraag uw beheerder om hulp.",
        "This account belongs to no person, or they work here no more. Ask your administrator.",
    ),
    "second_factor": ("Bevestig dat u het bent", "Confirm that it is you"),
    "code": ("Code van 6 cijfers", "Code of 6 digits"),
    "code_hint": (
        "Open de app op uw telefoon die codes maakt, en vul de code in die daar nu staat.",
        "Open the app on your telephone that makes codes, and fill in the code that it shows now.",
    ),
    "wrong_code": (
        "Die code klopt niet, of is al gebruikt. Vul de code in die de app nu laat zien.",
        "That code is not right, or was used before. Fill in the code that the app shows now.",
    ),
    "enrol": ("Stel een tweede stap in", "Set up a second step"),
    "enrol_hint": (
        "Met alleen een wachtwoord bent u hier niet veilig. Open op uw telefoon een app die codes maakt, lees dit "
        "vierkant of typ de sleutel over, en vul de code in die de app laat zien.",
        "A password alone does not keep you safe here. Open an app on your telephone that makes codes, read this "
        "square or type the key, and fill in the code that the app shows.",
    ),
    "enrol_key": ("Sleutel", "Key"),
    "next": ("Verder", "Continue"),
    "choose_standing": ("Als wie gaat u verder?", "As whom do you continue?"),
    "responsible": ("Onder verantwoordelijkheid van", "Under the responsibility of"),
    "choose_patient": ("Voor welke patiënt?", "For which patient?"),
    "choose_patient_hint": (
        "{app} werkt met de gegevens van één patiënt. U ziet hier alleen wie u mag zien.",
        "{app} works on the data of one patient. Only those you may see are shown.",
    ),
    "find": ("Naam", "Name"),
    "find_button": ("Zoeken", "Find"),
    "born": ("geboren {date}", "born {date}"),
    "nobody_found": ("Er is niemand gevonden die u mag zien.", "Nobody was found whom you may see."),
    "choose_one": ("Kies er een.", "Choose one."),
    "consent": ("Mag {app} uw gegevens gebruiken?", "May {app} use your data?"),
    "consent_professional": (
        "Mag {app} namens u gegevens gebruiken?",
        "May {app} use data on your behalf?",
    ),
    "signed_in_as": ("U bent ingelogd als {name}.", "You are signed in as {name}."),
    "about_patient": ("Het gaat om {patient}.", "It is about {patient}."),
    "may": ("{app} vraagt of het dit mag:", "{app} asks whether it may do this:"),
    "may_hint": ("Haal weg wat u niet wilt.", "Take away what you do not want."),
    "for_how_long": ("Voor hoe lang?", "For how long?"),
    "offline": (
        "Tot u het intrekt, en hooguit {days} dagen, ook als u niet bent ingelogd.",
        "Until you withdraw it, and {days} days at most, also while you are not signed in.",
    ),
    "online": (
        "Zolang u bent ingelogd, hooguit {hours} uur.",
        "As long as you are signed in, {hours} hours at most.",
    ),
    "once": ("Nu, voor {minutes} minuten.", "Now, for {minutes} minutes."),
    "withdraw_hint": (
        "U kunt dit altijd bekijken en intrekken op {address}.",
        "You can see and withdraw this at any time at {address}.",
    ),
    "allow": ("Toestaan", "Allow"),
    "decline": ("Weigeren", "Decline"),
    "account": ("Uw wachtwoord en waar u bent ingelogd", "Your password, and where you are signed in"),
    "change_password": ("Wachtwoord wijzigen", "Change the password"),
    "present_password": ("Wachtwoord van nu", "Present password"),
    "new_password": ("Nieuw wachtwoord", "New password"),
    "new_password_hint": (
        "Ten minste 12 tekens. Een paar woorden die niet bij elkaar horen zijn goed te onthouden. "
        "Op andere apparaten wordt u uitgelogd.",
        "At least 12 characters. A few words that do not belong together are easy to keep in mind. "
        "You are signed out on other devices.",
    ),
    "wrong_present_password": (
        "Dat is niet het wachtwoord van nu. Er is niets gewijzigd.",
        "That is not the present password. Nothing was changed.",
    ),
    "password_short": (
        "Het nieuwe wachtwoord heeft ten minste {shortest} tekens nodig. Er is niets gewijzigd.",
        "The new password needs at least {shortest} characters. Nothing was changed.",
    ),
    "password_long": (
        "Het nieuwe wachtwoord is te lang. Er is niets gewijzigd.",
        "The new password is too long. Nothing was changed.",
    ),
    "password_guessable": (
        "Dat wachtwoord is makkelijk te raden, omdat velen het gebruiken of omdat uw naam erin zit. Er is niets "
        "gewijzigd.",
        "That password is easily guessed, as many use it or as your name is in it. Nothing was changed.",
    ),
    "password_changed": (
        "Uw wachtwoord is gewijzigd. Op andere apparaten bent u uitgelogd.",
        "Your password is changed. On other devices you are signed out.",
    ),
    "signed_in_where": ("Waar u bent ingelogd", "Where you are signed in"),
    "here": ("hier", "here"),
    "end_elsewhere": ("Overal elders uitloggen", "Sign out everywhere else"),
    "ended_elsewhere": ("U bent overal elders uitgelogd.", "You are signed out everywhere else."),
    "granted": ("Wat u apps toestaat", "What you allow apps"),
    "granted_none": ("U staat geen enkele app iets toe.", "You allow no app anything."),
    "session_since": (
        "Sinds {since}. Wie niets doet, is uitgelogd om {until}; elk gebruik verlengt dat, hooguit tot {last}",
        "Since {since}. Without use it ends at {until}; each use extends that, until {last} at most",
    ),
    "granted_since": ("Sinds {since}, hooguit tot {until}", "Since {since}, until {until} at most"),
    "withdraw": ("Intrekken", "Withdraw"),
    "withdrawn": (
        "Ingetrokken. De app kan er vanaf nu niet meer bij.",
        "Withdrawn. From now on the app has no access.",
    ),
    "team": ("Wie kan meekijken", "Who can look"),
    "team_members": ("Zorgverleners", "Professionals"),
    "team_nobody": ("Niemand kijkt mee.", "Nobody looks."),
    "team_practice": ("Uw vaste huisartsenpraktijk", "Your own practice"),
    "team_member": ("Doet mee in uw plan", "Takes part in your plan"),
    "team_cover": ("Neemt waar", "Covers for your practice"),
    "team_until": ("Tot {until}", "Until {until}"),
    "team_block": ("Blokkeren", "Block"),
    "team_block_all": ("Blokkeren geldt voor dit alles tegelijk.", "A block counts for all of this at once."),
    "team_unblock": ("Blokkade opheffen", "End the block"),
    "team_blocks": ("Geblokkeerd", "Blocked"),
    "team_block_question": ("{name} blokkeren?", "Block {name}?"),
    "team_block_hint": (
        "{name} ziet dan meteen niets meer van uw gegevens.",
        "{name} then sees nothing of your data any more, at once.",
    ),
    "team_stops": ("Deze hulp stopt dan:", "This help then stops:"),
    "team_stops_nothing": ("Er stopt geen hulp.", "No help stops."),
    "team_keep": ("Niet blokkeren", "Do not block"),
    "team_grants": ("Naasten", "Relatives"),
    "team_no_grants": ("U laat geen naaste meekijken.", "You let no relative look."),
    "team_represents": ("Vertegenwoordigt u", "Represents you"),
    "team_reads": ("Mag lezen", "May read"),
    "team_collects": ("Mag lezen en toevoegen", "May read and add"),
    "team_changed": ("Dat is nu zo.", "It is so now."),
    "team_not_yours": (
        "Dit is de pagina van een patiënt. U bent niet als patiënt ingelogd.",
        "This is a patient's page. You are not signed in as a patient.",
    ),
    "sign_out": ("Uitloggen", "Sign out"),
    "signed_out": ("U bent uitgelogd.", "You are signed out."),
    "stopped": ("Dit kan niet", "This cannot be done"),
    "provider_failed": (
        "Inloggen met {provider} is niet gelukt. Probeer het opnieuw.",
        "Signing in with {provider} did not succeed. Try again.",
    ),
    "stale": (
        "Deze pagina is verlopen. Ga terug naar de app en begin opnieuw.",
        "This page has expired. Go back to the app and begin again.",
    ),
    "unproven": (
        "De app die u stuurde, vroeg iets dat hier niet kan. U kunt dit venster sluiten. Voor wie de app maakt:",
        "The app that sent you asked for something that cannot be. You can close this window. For the app's maker:",
    ),
    "openid": ("Weten dat u het bent", "Know that it is you"),
    "fhirUser": (
        "Weten wie u bent in de zorg, en lezen wat daar over u als persoon staat (zoals naam en adres)",
        "Know who you are in care, and read what stands there about you as a person (such as name and address)",
    ),
    "profile": ("Uw naam weten", "Know your name"),
    "offline_access": (
        "Doorgaan als u niet bent ingelogd",
        "Go on while you are not signed in",
    ),
    "online_access": ("Doorgaan zolang u bent ingelogd", "Go on as long as you are signed in"),
}

TYPES: Mapping[str, tuple[str, str]] = {
    "*": ("alle gegevens", "all data"),
    "AllergyIntolerance": ("allergieën", "allergies"),
    "Appointment": ("afspraken", "appointments"),
    "AuditEvent": ("wie gegevens heeft ingezien", "who looked at data"),
    "Binary": ("bestanden", "files"),
    "CarePlan": ("zorgplannen", "care plans"),
    "CareTeam": ("zorgteams", "care teams"),
    "Communication": ("berichten", "messages"),
    "Condition": ("aandoeningen en klachten", "conditions and complaints"),
    "Consent": ("toestemmingen", "consents"),
    "DocumentReference": ("documenten", "documents"),
    "Encounter": ("contacten met zorgverleners", "contacts with care providers"),
    "Goal": ("doelen", "goals"),
    "Immunization": ("vaccinaties", "vaccinations"),
    "MedicationRequest": ("voorgeschreven medicijnen", "prescribed medicines"),
    "MedicationStatement": ("medicijngebruik", "use of medicines"),
    "Observation": ("metingen en uitslagen", "measurements and results"),
    "Organization": ("zorgorganisaties", "care organisations"),
    "Patient": ("persoonsgegevens", "personal details"),
    "Practitioner": ("zorgverleners", "care providers"),
    "PractitionerRole": ("functies van zorgverleners", "roles of care providers"),
    "Procedure": ("behandelingen", "procedures"),
    "Questionnaire": ("vragenlijsten", "questionnaires"),
    "QuestionnaireResponse": ("antwoorden op vragenlijsten", "answers to questionnaires"),
    "RelatedPerson": ("naasten", "relatives"),
    "ServiceRequest": ("aanvragen voor zorg", "requests for care"),
    "Task": ("taken", "tasks"),
}
_VERBS = {
    "rs": ("bekijken", "see"),
    "c": ("toevoegen", "add"),
    "u": ("wijzigen", "change"),
    "d": ("wissen", "delete"),
}


def language(cookie: str | None, accepted: str, asked: str = "") -> Language:
    """The language of a page: the one chosen, else the first of ours that app or browser names."""
    for told in (cookie or "", *asked.split(), *_by_weight(accepted)):
        if told.lower()[:2] in ("nl", "en"):
            return "nl" if told.lower()[:2] == "nl" else "en"
    return "nl"


def _by_weight(accepted: str) -> list[str]:
    """The languages of `Accept-Language`, the most wanted first."""
    wanted = []
    for part in accepted.split(","):
        name, _, weight = part.strip().partition(";q=")
        try:
            wanted.append((-float(weight or 1), name))
        except ValueError:
            continue
    return [name for _, name in sorted(wanted, key=lambda one: one[0])]


def text(language: Language, key: str, **told: object) -> str:
    """The text of that key."""
    return TEXTS[key][_place(language)].format(**told)


def role(language: Language, code: str) -> str:
    """How a role is called."""
    found = ROLES[code]
    return found.dutch if language == "nl" else found.english


def scope(language: Language, asked: Scope) -> str:
    """What a scope lets an app do, such as `zorgplannen bekijken en wijzigen`."""
    place = _place(language)
    verbs = [words[place] for letters, words in _VERBS.items() if set(letters) & set(asked.letters)]
    what = TYPES[asked.type][place] if asked.type in TYPES else asked.type
    joined = f" {('en', 'and')[place]} ".join(filter(None, [", ".join(verbs[:-1]), verbs[-1]]))
    told = f"{what} {joined}" if language == "nl" else f"{joined} {what}"
    if asked.level == "user":
        told += (" (van iedereen die u mag zien)", " (of everybody you may see)")[place]
    if asked.query:
        only = ", ".join(f"{name} {value}" for name, value in asked.query)
        told += (f"; alleen met {only}", f"; only with {only}")[place]
    return told[0].upper() + told[1:]


def how_long(language: Language, lasting: str | None, days: int, hours: int, seconds: int) -> str:
    """For how long a grant stands."""
    if lasting == "offline":
        return text(language, "offline", days=days)
    if lasting == "online":
        return text(language, "online", hours=hours)
    return text(language, "once", minutes=max(1, seconds // 60))


def granted(language: Language, grant: Grant) -> list[str]:
    """What a grant lets, a line each."""
    words = [word for word in grant.scopes.words if word in TEXTS]
    return [
        *(scope(language, one) for one in grant.scopes.resources),
        *(text(language, word) for word in words),
    ]


def _place(language: Language) -> int:
    return 0 if language == "nl" else 1


def day(moment: int) -> str:
    """A moment, in seconds since 1970 UTC, by Dutch calendar and clock."""
    return hours.shown(moment * 1_000_000)
