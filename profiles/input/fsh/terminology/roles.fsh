CodeSystem: CareRole
Id: role
Title: "Rollen"
Description: "Wie iemand in de hub is. Waar het UZI-register een rolcode heeft, staat die ernaast; een praktijkondersteuner, een welzijnswerker en anderen hebben alleen deze. Een verpleegkundige krijgt 30.000 alleen met een BIG-registratie als verpleegkundige."
* insert Translated([[Roles]], [[Who somebody is in the hub. Where the UZI register has a role code it stands beside it; a practice nurse, a welfare worker and others have this one alone. 30.000 is for registered nurses only.]])
* insert Complete
* insert Concept([[huisarts]], [[Huisarts]], [[General practitioner]], [[Arts van de praktijk waar de patiënt is ingeschreven, of een collega daar.]])
* insert Concept([[poh]], [[Praktijkondersteuner huisarts]], [[Practice nurse]], [[Ondersteunt de huisarts bij mensen met chronische aandoeningen of bij ouderen.]])
* insert Concept([[doktersassistent]], [[Doktersassistent]], [[Practice assistant]], [[Helpt in de huisartsenpraktijk, neemt de telefoon aan en doet de triage.]])
* insert Concept([[wijkverpleegkundige]], [[Wijkverpleegkundige]], [[District nurse]], [[Verpleegkundige die mensen thuis zorg geeft en indiceert.]])
* insert Concept([[verzorgende-ig]], [[Verzorgende IG]], [[Certified care worker]], [[Verzorgende individuele gezondheidszorg, thuis of in een instelling.]])
* insert Concept([[verpleegkundig-specialist]], [[Verpleegkundig specialist]], [[Nurse practitioner]], [[Verpleegkundige met een zelfstandige behandelbevoegdheid.]])
* insert Concept([[physician-assistant]], [[Physician assistant]], [[Physician assistant]], [[Zelfstandig bevoegd voor omschreven medische handelingen.]])
* insert Concept([[specialist-ouderengeneeskunde]], [[Specialist ouderengeneeskunde]], [[Elderly care physician]], [[Arts voor kwetsbare ouderen en mensen met complexe chronische aandoeningen.]])
* insert Concept([[casemanager-dementie]], [[Casemanager dementie]], [[Dementia case manager]], [[Vaste begeleider van iemand met dementie en de naasten.]])
* insert Concept([[hap-arts]], [[Arts huisartsenpost]], [[Out-of-hours doctor]], [[Huisarts die dienst doet op de huisartsenpost.]])
* insert Concept([[apotheker]], [[Apotheker]], [[Pharmacist]], [[Apotheker van de patiënt.]])
* insert Concept([[welzijn]], [[Welzijnswerker]], [[Welfare worker]], [[Werkt bij een welzijnsorganisatie of de gemeente; ziet de taak die daarheen gestuurd is, niet het dossier.]])
* insert Concept([[leefstijlcoach]], [[Leefstijlcoach]], [[Lifestyle coach]], [[Begeleidt bij bewegen, eten, slapen en ontspannen; ziet de eigen taak.]])
* insert Concept([[analist]], [[Analist zorggroep]], [[Care group analyst]], [[Ziet aantallen en indicatoren, nooit een patiënt.]])
* insert Concept([[privacy-officer]], [[Privacy officer]], [[Privacy officer]], [[Beoordeelt wie waarom heeft gekeken, zonder de inhoud te zien.]])
* insert Concept([[beheerder]], [[Beheerder]], [[Administrator]], [[Beheert organisaties, apps en instellingen, zonder gegevens van patiënten.]])
* insert Concept([[patient]], [[Patiënt]], [[Patient]], [[De mens om wie het plan gaat.]])
* insert Concept([[mantelzorger]], [[Mantelzorger]], [[Informal carer]], [[Naaste die zorg geeft en ziet wat de patiënt heeft toegestaan.]])
* insert Concept([[wettelijk-vertegenwoordiger]], [[Wettelijk vertegenwoordiger]], [[Legal representative]], [[Beslist waar de patiënt dat niet kan.]])

ValueSet: CareRoles
Id: role
Title: "Rollen"
Description: "Alle rollen in de hub."
* insert English([[Roles]], [[All roles in the hub.]])
* ^experimental = false
* include codes from system CareRole

CodeSystem: TeamFunction
Id: team-function
Title: "Functies in het team"
Description: "Wat een lid van het zorgteam is naast de eigen rol. Elk op één moment bij precies één lid."
* insert Translated([[Functions in the team]], [[What a member of the care team is besides their own role. Each with exactly one member at a time.]])
* insert Complete
* insert Concept([[coordinator]], [[Coördinator]], [[Coordinator]], [[Aanspreekpunt voor het plan; houdt de afspraken bij elkaar.]])
* insert Concept([[regiebehandelaar]], [[Regiebehandelaar]], [[Responsible practitioner]], [[Draagt de medische verantwoordelijkheid; gaat alleen over wanneer een overname wordt aangenomen.]])

ValueSet: TeamMemberRole
Id: team-member-role
Title: "Rol in het zorgteam"
Description: "Rollen in de hub, functies in het team, en de SNOMED CT-begrippen waarmee andere Nederlandse gidsen leden van een zorgteam aanduiden."
* insert English([[Role in the care team]], [[Roles in the hub, functions in the team, and the SNOMED CT concepts by which other Dutch guides name members of a care team.]])
* insert SnomedCopyright
* ^experimental = false
* include codes from system CareRole
* include codes from system TeamFunction
* $sct#116154003 "Patient"
* $sct#407542009
* $sct#310391000146105
* $sct#125677006
* $sct#405623001
* $sct#768832004
* $uzi#01.015 "Huisarts"
* $uzi#01.047 "Specialist ouderengeneeskunde"
* $uzi#30.000 "Verpleegkundige"
* $uzi#81.000 "Physician assistant"
* $uzi#86.000 "Verzorgende individuele gezondheidszorg"
* $uzi#17.000 "Apotheker"

Instance: role-to-national
InstanceOf: ConceptMap
Usage: #definition
Title: "Van rol naar landelijke code"
Description: "De rolcode van het UZI-register of het SNOMED CT-begrip dat naast een rol van de hub staat."
* insert Defined(ConceptMap, role-to-national, RoleToNational)
* title = "Van rol naar landelijke code"
* insert InEnglish(title, [[From role to national code]])
* description = "De rolcode van het UZI-register of het SNOMED CT-begrip dat naast een rol van de hub staat. Wie hier ontbreekt, heeft alleen de rol van de hub."
* insert InEnglish(description, [[The role code of the UZI register, or the SNOMED CT concept, that stands beside a role of the hub. Who is not here has the hub's role alone.]])
* sourceCanonical = Canonical(CareRoles)
* group[0].source = Canonical(CareRole)
* group[0].target = $uzi
* group[0].element[0].code = #huisarts
* group[0].element[0].target[0].code = #01.015
* group[0].element[0].target[0].display = "Huisarts"
* group[0].element[0].target[0].equivalence = #equivalent
* group[0].element[1].code = #hap-arts
* group[0].element[1].target[0].code = #01.015
* group[0].element[1].target[0].display = "Huisarts"
* group[0].element[1].target[0].equivalence = #wider
* group[0].element[2].code = #specialist-ouderengeneeskunde
* group[0].element[2].target[0].code = #01.047
* group[0].element[2].target[0].display = "Specialist ouderengeneeskunde"
* group[0].element[2].target[0].equivalence = #equivalent
* group[0].element[3].code = #wijkverpleegkundige
* group[0].element[3].target[0].code = #30.000
* group[0].element[3].target[0].display = "Verpleegkundige"
* group[0].element[3].target[0].equivalence = #wider
* group[0].element[3].target[0].comment = "Alleen met een BIG-registratie als verpleegkundige."
* group[0].element[4].code = #verpleegkundig-specialist
* group[0].element[4].target[0].code = #30.000
* group[0].element[4].target[0].display = "Verpleegkundige"
* group[0].element[4].target[0].equivalence = #wider
* group[0].element[5].code = #physician-assistant
* group[0].element[5].target[0].code = #81.000
* group[0].element[5].target[0].display = "Physician assistant"
* group[0].element[5].target[0].equivalence = #equivalent
* group[0].element[6].code = #verzorgende-ig
* group[0].element[6].target[0].code = #86.000
* group[0].element[6].target[0].display = "Verzorgende individuele gezondheidszorg"
* group[0].element[6].target[0].equivalence = #equivalent
* group[0].element[7].code = #apotheker
* group[0].element[7].target[0].code = #17.000
* group[0].element[7].target[0].display = "Apotheker"
* group[0].element[7].target[0].equivalence = #equivalent
* group[1].source = Canonical(CareRole)
* group[1].target = $sct
* group[1].element[0].code = #casemanager-dementie
* group[1].element[0].target[0].code = #768832004
* group[1].element[0].target[0].equivalence = #wider
* group[1].element[1].code = #patient
* group[1].element[1].target[0].code = #116154003
* group[1].element[1].target[0].equivalence = #equivalent
* group[1].element[2].code = #mantelzorger
* group[1].element[2].target[0].code = #407542009
* group[1].element[2].target[0].equivalence = #equivalent
* group[1].element[3].code = #wettelijk-vertegenwoordiger
* group[1].element[3].target[0].code = #310391000146105
* group[1].element[3].target[0].equivalence = #equivalent

CodeSystem: AffiliationCode
Id: affiliation
Title: "Verband tussen organisaties"
Description: "Wat een organisatie voor een andere doet."
* insert Translated([[Affiliation of organisations]], [[What one organisation does for another.]])
* insert Complete
* insert Concept([[waarneming]], [[Waarneming]], [[Cover]], [[Neemt de zorg waar buiten de uren van de ander, of zolang die er niet is.]])
* insert Concept([[zorggroep]], [[Zorggroep]], [[Care group]], [[Een praktijk (participatingOrganization) is aangesloten bij een zorggroep (organization).]])

ValueSet: AffiliationCodes
Id: affiliation
Title: "Verband tussen organisaties"
Description: "Alle verbanden die de hub kent."
* insert English([[Affiliation of organisations]], [[All affiliations that the hub knows.]])
* ^experimental = false
* include codes from system AffiliationCode
