Profile: SharedCarePlan
Parent: CarePlan
Id: SharedCarePlan
Title: "Gezamenlijk zorgplan"
Description: "Het ene plan waaraan patiënt, naasten en zorgverleners van verschillende organisaties werken. De categorie onderscheidt het van een verpleegkundig plan en van hulp van anderen, die in Nederland ook CarePlans zijn. Wie het maakte en om wie het gaat, verandert niet; een plan wordt beëindigd, niet verwijderd."
* insert English([[Shared care plan]], [[The one plan on which patient, relatives and professionals of several organisations work. Its category tells it apart from a nursing plan and from help by others, which are CarePlans in the Netherlands too. Who made it and whom it is about do not change; a plan is ended, not deleted.]])
* extension contains PlanCoordinator named coordinator 0..1 MS
* status MS
* intent = #plan
* category MS
* category ^slicing.discriminator.type = #value
* category ^slicing.discriminator.path = "$this"
* category ^slicing.rules = #open
* category contains shared 1..1 MS
* category[shared] = $sct#135411000146103
* insert Say(category[shared], [[Gezamenlijk zorgplan]], [[Multidisciplinary care regime]])
* title MS
* subject 1..1 MS
* subject only Reference(Patient)
* insert Say(subject, [[Om wie het gaat]], [[Whom the plan is about]])
* period MS
* author MS
* insert Say(author, [[Wie het plan begon; geeft geen toegang]], [[Who started the plan; gives no access]])
* careTeam 1..* MS
* insert Say(careTeam, [[Het team; een ingesloten team wordt ter plaatse bijgehouden]], [[The team; a contained one is kept up in place]])
* addresses MS
* goal MS
* insert Say(goal, [[Doelen, op de volgorde van de patiënt]], [[Goals, in the order of the patient]])
* activity MS
* activity.reference MS
* insert Say(activity.reference, [[Taak of ander verzoek dat bij het plan hoort]], [[Task or other request of the plan]])
* activity.outcomeReference MS
* insert Say(activity.outcomeReference, [[Wat een verwijzing of taak opleverde]], [[What a referral or task brought]])
* activity.detail MS
* extension contains ToDecide named toDecide 0..* MS and MergedInto named mergedInto 0..1 MS
* activity.detail.extension contains DimensionExtension named dimension 0..1 MS and ProgrammePart named part 0..* MS and ToDecide named toDecide 0..* MS
* activity.detail.goal MS
* activity.detail.performer MS
* note MS

Invariant: team-1
Description: "De patiënt doet altijd mee. The patient is always a participant."
Expression: "subject.reference.empty() or participant.where(member.reference = %context.subject.reference).exists()"
Severity: #error

Invariant: team-2
Description: "Er is op één moment hoogstens één coördinator. There is at most one coordinator at a time."
Expression: "participant.where(period.end.empty() and role.coding.where((system = 'http://snomed.info/sct' and code = '768832004') or code = 'coordinator').exists()).count() <= 1"
Severity: #error

Invariant: team-3
Description: "Er is op één moment hoogstens één regiebehandelaar. There is at most one responsible practitioner at a time."
Expression: "participant.where(period.end.empty() and role.coding.where(code = 'regiebehandelaar').exists()).count() <= 1"
Severity: #error

Profile: SharedCareTeam
Parent: CareTeam
Id: SharedCareTeam
Title: "Zorgteam van een gezamenlijk plan"
Description: "Wie aan het plan meedoen, sinds wanneer en tot wanneer. Het volgt uit het werk: wie een taak aanneemt, doet mee; wie terugkomt, krijgt een nieuwe vermelding. Een deelname is actief als het begin voorbij is en het einde ontbreekt of nog komt."
* insert English([[Care team of a shared plan]], [[Who takes part in the plan, since when and until when. It follows from the work: who accepts a task takes part; who returns gets a new entry. A participation is active where its start is past and its end absent or to come.]])
* obeys team-1 and team-2 and team-3
* status MS
* name MS
* subject 1..1 MS
* subject only Reference(Patient)
* period MS
* participant 1..* MS
* participant.role 1..* MS
* participant.role from TeamMemberRole (extensible)
* insert Say(participant.role, [[Rol van de hub, functie in het team, of het SNOMED CT-begrip van andere gidsen]], [[Role of the hub, function in the team, or the SNOMED CT concept of other guides]])
* participant.member 1..1 MS
* insert Say(participant.member, [[Organisatie, zorgverlener in een rol, patiënt of naaste]], [[Organisation, practitioner in a role, patient or related person]])
* participant.onBehalfOf MS
* participant.period 1..1 MS
* participant.period.start 1..1 MS
* participant.period.end MS
* managingOrganization MS

Profile: Cover
Parent: OrganizationAffiliation
Id: Cover
Title: "Waarneming"
Description: "Wie waarneemt voor wie. Vanzelf opent het niets: binnen de uren van de dienst opent een arts of verpleegkundige die waarneemt het contact van één patiënt. Alleen de praktijk die waargenomen wordt of een beheerder schrijft het."
* insert English([[Cover]], [[Who covers for whom. By itself it opens nothing: within the hours of the shift a doctor or nurse who covers opens the contact of one patient. Only the practice that is covered, or an administrator, writes it.]])
* active MS
* period 1..1 MS
* organization 1..1 MS
* insert Say(organization, [[Wie waargenomen wordt]], [[Who is covered]])
* participatingOrganization 1..1 MS
* insert Say(participatingOrganization, [[Wie waarneemt]], [[Who covers]])
* code 1..* MS
* code ^slicing.discriminator.type = #value
* code ^slicing.discriminator.path = "$this"
* code ^slicing.rules = #open
* code contains cover 1..1 MS
* code[cover] = AffiliationCode#waarneming
* healthcareService MS
* insert Say(healthcareService, [[De dienst, met zijn uren in availableTime]], [[The service, with its hours in availableTime]])
