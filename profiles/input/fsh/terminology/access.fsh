CodeSystem: ConsentKind
Id: consent-kind
Title: "Soorten toestemming"
Description: "Waar een toestemming over gaat. Over toegang beslissen alleen die met scope patient-privacy; deze code zegt mensen wat zij is en verandert niets aan wat zij toestaat."
* insert Translated([[Kinds of consent]], [[What a consent is about. Only those of scope patient-privacy decide about access; this code tells people what it is and changes nothing of what it allows.]])
* insert Complete
* insert Concept([[deelname]], [[Meedoen in het plan]], [[Joining the plan]], [[Een organisatie mag meedoen.]])
* insert Concept([[mantelzorg]], [[Inzage voor een naaste]], [[Grant to a carer]], [[Een naaste mag meelezen of iets toevoegen.]])
* insert Concept([[blokkade]], [[Blokkade]], [[Block]], [[Een organisatie of persoon ziet niets.]])
* insert Concept([[vertegenwoordiging]], [[Vertegenwoordiging]], [[Representation]], [[Een ander beslist waar de patiënt dat niet kan.]])
* insert Concept([[na-overlijden]], [[Inzage na overlijden]], [[Access after death]], [[Een naaste mag ook na het overlijden blijven lezen.]])
* insert Concept([[spoed]], [[Spoed]], [[Emergency]], [[Door de hub gemaakt bij een spoedtaak; geldt tweeënzeventig uur.]])
* insert Concept([[onderzoek]], [[Onderzoek]], [[Research]], [[Gegevens mogen zonder naam voor onderzoek gebruikt worden.]])
* insert Concept([[belasting]], [[Eigen antwoorden van de mantelzorger]], [[The carer's own answers]], [[De mantelzorger laat anderen eigen antwoorden over de belasting zien.]])

ValueSet: ConsentKinds
Id: consent-kind
Title: "Soorten toestemming"
Description: "Alle soorten."
* insert English([[Kinds of consent]], [[All kinds.]])
* ^experimental = false
* include codes from system ConsentKind

ValueSet: GrantActions
Id: grant-action
Title: "Wat een naaste mag"
Description: "Inzien, of ook metingen en antwoorden toevoegen."
* insert English([[What a carer may do]], [[Read, or add measurements and answers too.]])
* ^experimental = false
* $consentaction#access
* $consentaction#collect

CodeSystem: AccessReason
Id: access-reason
Title: "Redenen om een dossier te openen"
Description: "Waarom een zorgverlener een dossier opent zonder al lid van het team te zijn."
* insert Translated([[Reasons to open a record]], [[Why a professional opens a record without being a member of the team.]])
* insert Complete
* insert Concept([[levensgevaar]], [[Levensgevaar]], [[Danger to life]], [[Wachten kan het leven kosten.]])
* insert Concept([[acute-zorg]], [[Acute zorg]], [[Acute care]], [[Zorg die niet tot de volgende werkdag kan wachten.]])
* insert Concept([[niet-aanspreekbaar]], [[Niet aanspreekbaar]], [[Not able to answer]], [[De patiënt kan niets zeggen en er is niemand die het weet.]])
* insert Concept([[crisis-thuis]], [[Crisis thuis]], [[Crisis at home]], [[De zorg thuis valt weg.]])
* insert Concept([[waarneming]], [[Waarneming]], [[Cover]], [[Contact tijdens de dienst voor de eigen praktijk.]])

ValueSet: AccessReasons
Id: access-reason
Title: "Redenen om een dossier te openen"
Description: "Alle redenen."
* insert English([[Reasons to open a record]], [[All reasons.]])
* ^experimental = false
* include codes from system AccessReason

CodeSystem: AgreementMoment
Id: agreement-moment
Title: "Hoe de patiënt instemde"
Description: "Bij contact tijdens de dienst."
* insert Translated([[How the patient agreed]], [[At a contact during cover.]])
* insert Complete
* insert Concept([[now]], [[Nu]], [[Now]], [[De patiënt zei nu dat het mag.]])
* insert Concept([[earlier]], [[Eerder]], [[Earlier]], [[De patiënt heeft dat eerder vastgelegd.]])
* insert Concept([[unable]], [[Kon niet]], [[Unable]], [[De patiënt kon niet antwoorden.]])

ValueSet: AgreementMoments
Id: agreement-moment
Title: "Hoe de patiënt instemde"
Description: "Nu, eerder of kon niet."
* insert English([[How the patient agreed]], [[Now, earlier or unable.]])
* ^experimental = false
* include codes from system AgreementMoment

CodeSystem: IdentityCheck
Id: identity-check
Title: "Hoe de identiteit is vastgesteld"
Description: "Bij inschrijving."
* insert Translated([[How identity was checked]], [[At registration.]])
* insert Complete
* insert Concept([[document]], [[Identiteitsbewijs]], [[Identity document]], [[Paspoort, identiteitskaart of rijbewijs gezien.]])
* insert Concept([[known]], [[Bekend]], [[Known in person]], [[De patiënt is hier bekend en eerder vastgesteld.]])
* insert Concept([[digid]], [[DigiD]], [[DigiD]], [[Langs elektronische weg.]])
* insert Concept([[other]], [[Anders]], [[Otherwise]], [[Op een andere manier, in de tekst beschreven.]])

ValueSet: IdentityChecks
Id: identity-check
Title: "Hoe de identiteit is vastgesteld"
Description: "Alle manieren."
* insert English([[How identity was checked]], [[All ways.]])
* ^experimental = false
* include codes from system IdentityCheck

CodeSystem: AccessRule
Id: access-rule
Title: "Waarom iemand erbij kon"
Description: "De regel die iemand liet zien of veranderen wat in het logboek staat."
* insert Translated([[Why somebody could]], [[The rule that let somebody see or change what the log tells of.]])
* insert Complete
* insert Concept([[self]], [[De patiënt zelf]], [[The patient]], [[De eigen gegevens.]])
* insert Concept([[representative]], [[Wettelijk vertegenwoordiger]], [[Legal representative]], [[Wie voor de patiënt beslist.]])
* insert Concept([[grant]], [[Inzage door de patiënt gegeven]], [[Grant of the patient]], [[De patiënt liet deze naaste meelezen of meten.]])
* insert Concept([[practice]], [[Eigen huisartsenpraktijk]], [[Registered practice]], [[De praktijk waar de patiënt is ingeschreven.]])
* insert Concept([[participation]], [[Lid van het zorgteam]], [[Member of the care team]], [[Doet mee in het plan van de patiënt.]])
* insert Concept([[cover]], [[Waarneming]], [[Cover]], [[Nam waar voor de eigen praktijk, tijdens de dienst.]])
* insert Concept([[aftercare]], [[Was lid van het zorgteam]], [[Was a member of the care team]], [[Leest nog een tijd het plan, het team en de taken.]])
* insert Concept([[own-task]], [[Eigen taak]], [[Own task]], [[Kreeg of stuurde de taak waar dit bij hoort.]])
* insert Concept([[break-glass]], [[Noodinzage]], [[Break-glass]], [[Opende het dossier in nood, met een reden.]])
* insert Concept([[own-answers]], [[Eigen gegevens van een naaste]], [[A relative’s own data]], [[Van een naaste over zichzelf: eigen antwoorden, of wie de naaste is.]])
* insert Concept([[public]], [[Over niemand]], [[About nobody]], [[Gegevens die over geen patiënt gaan, zoals het adresboek.]])
* insert Concept([[officer]], [[Privacy officer]], [[Privacy officer]], [[Beoordeelt het logboek van de eigen organisatie.]])
* insert Concept([[analyst]], [[Analist]], [[Analyst]], [[Aantallen, geen patiënten.]])
* insert Concept([[administrator]], [[Beheerder]], [[Administrator]], [[Bracht gegevens in of beheert de instellingen.]])
* insert Concept([[hub]], [[Automatisch]], [[Automatic]], [[De hub deed het zelf, door een regel van het plan.]])
* insert Concept([[account]], [[Eigen account]], [[Own account]], [[Aanmelden, afmelden, en wat een app mag.]])
* insert Concept([[open]], [[Geen aanmelding]], [[No sign-in]], [[De hub vroeg niemand wie hij was.]])
* insert Concept([[refused]], [[Geweigerd]], [[Refused]], [[Het werd gevraagd en niet gegeven.]])
* insert Concept([[failed]], [[Mislukt]], [[Failed]], [[De vraag klopte niet, of kon niet worden uitgevoerd.]])

CodeSystem: HubEvent
Id: hub-event
Title: "Gebeurtenissen in het logboek"
Description: "Wat in het logboek staat en geen vraag aan de FHIR-API is."
* insert Translated([[Events of the log]], [[What the log tells of that is no request to the FHIR API.]])
* insert Complete
* insert Concept([[signed-in]], [[Aangemeld]], [[Signed in]], [[Iemand meldde zich aan.]])
* insert Concept([[sign-in-failed]], [[Aanmelden mislukt]], [[Sign-in failed]], [[Een wachtwoord of code klopte niet.]])
* insert Concept([[signed-out]], [[Afgemeld]], [[Signed out]], [[Iemand meldde zich af.]])
* insert Concept([[password-changed]], [[Wachtwoord gewijzigd]], [[Password changed]], [[Iemand koos een ander wachtwoord.]])
* insert Concept([[granted]], [[App toegelaten]], [[App let in]], [[Iemand liet een app iets doen.]])
* insert Concept([[declined]], [[App geweigerd]], [[App declined]], [[Iemand liet een app niet toe.]])
* insert Concept([[withdrawn]], [[App ingetrokken]], [[App withdrawn]], [[Iemand nam terug wat een app mocht.]])
* insert Concept([[token]], [[Toegang afgegeven]], [[Token issued]], [[Een app of systeem kreeg een token.]])
* insert Concept([[token-refused]], [[Toegang niet afgegeven]], [[Token refused]], [[Een app of systeem kreeg geen token.]])
* insert Concept([[token-not-taken]], [[Token niet aangenomen]], [[Token not taken]], [[Een token was verlopen, ingetrokken of vreemd.]])
* insert Concept([[revoked]], [[Token ingetrokken]], [[Token revoked]], [[Een token geldt niet meer.]])
* insert Concept([[registered]], [[App ingeschreven]], [[App registered]], [[Een app schreef zich in.]])
* insert Concept([[launch]], [[App gestart]], [[App launched]], [[Een systeem startte een app.]])
* insert Concept([[load]], [[Ingelezen]], [[Loaded]], [[De beheerder bracht gegevens in.]])
* insert Concept([[notified]], [[Bericht gekregen]], [[Notified]], [[Een ontvanger kreeg bericht van een wijziging.]])
* insert Concept([[erase]], [[Gewist]], [[Erased]], [[Gegevens zijn voorgoed gewist.]])

ValueSet: DirectiveScopes
Id: directive-scope
Title: "Waarover een wilsverklaring gaat"
Description: "Behandelen, nu of later."
* insert English([[Scope of a directive]], [[Treatment, now or later.]])
* ^experimental = false
* http://terminology.hl7.org/CodeSystem/consentscope#adr
* http://terminology.hl7.org/CodeSystem/consentscope#treatment
