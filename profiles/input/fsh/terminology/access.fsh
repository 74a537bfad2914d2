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
