RuleSet: AccessConsent
* status MS
* scope = $consentscope#patient-privacy
* insert Say(scope, [[Alleen deze scope beslist over toegang]], [[This scope alone decides about access]])
* category MS
* patient 1..1 MS
* dateTime 1..1 MS
* performer 1..* MS
* insert Say(performer, [[Van wie de beslissing is]], [[Whose decision it is]])
* verification MS
* insert Say(verification, [[Bij wie het de patiënt hoorde zeggen]], [[Where somebody heard the patient say it]])
* provision 1..1 MS
* provision.type 1..1 MS
* provision.period MS
* provision.actor 1..1 MS
* provision.actor.reference MS

Profile: CareGiverGrant
Parent: Consent
Id: CareGiverGrant
Title: "Inzage voor een naaste"
Description: "Wat een mantelzorger van de patiënt mag zien of toevoegen, en tot wanneer. Zonder klasse: alles behalve wat gelabeld is."
* insert English([[Grant to a carer]], [[What an informal carer may see or add, and until when. Without class: everything but what is labelled.]])
* insert AccessConsent
* provision.type = #permit
* provision.actor.reference only Reference(RelatedPerson)
* provision.action 1..* MS
* provision.action from GrantActions (required)
* insert Say(provision.action, [[access leest, collect voegt metingen en antwoorden toe]], [[access reads, collect adds measurements and answers]])
* provision.class MS
* insert Say(provision.class, [[De soorten gegevens]], [[The types of data]])

Profile: TeamConsent
Parent: Consent
Id: TeamConsent
Title: "Toestemming om mee te doen"
Description: "Of een organisatie, of wie een taak uit een wachtrij aanneemt, mag meedoen in het plan. Geschreven door de patiënt, de vertegenwoordiger, de hub na de taak van de patiënt, of een zorgverlener die het de patiënt hoorde zeggen; nooit door wie erdoor binnenkomt."
* insert English([[Agreement to join]], [[Whether an organisation, or who claims a task of a queue, may join the plan. Written by the patient, the representative, the hub after the patient's task, or a professional who heard the patient say it; never by who is let in by it.]])
* insert AccessConsent
* provision.type = #permit
* provision.actor.reference only Reference(Organization)
* provision.actor.reference.extension contains ConsentQueue named queue 0..1 MS

Profile: ConsentBlock
Parent: Consent
Id: ConsentBlock
Title: "Blokkade"
Description: "Wie geblokkeerd is, ziet meteen niets meer van deze patiënt, en zijn open taken vervallen."
* insert English([[Block]], [[Who is blocked sees nothing of this patient, at once, and their open tasks are cancelled.]])
* insert AccessConsent
* provision.type = #deny
* provision.actor.reference only Reference(Organization or Practitioner)

Invariant: representation-1
Description: "Er is bewijs. There is evidence."
Expression: "source.exists() or verification.exists()"
Severity: #error

Invariant: representation-2
Description: "Er staat waarover de vertegenwoordiger beslist. It says about what the representative decides."
Expression: "class.exists() or (action.coding.where(code = 'access').exists() and action.coding.where(code = 'correct').exists())"
Severity: #error

Profile: RepresentationConsent
Parent: Consent
Id: RepresentationConsent
Title: "Wettelijke vertegenwoordiging"
Description: "Wie beslist waar de patiënt dat niet kan: op welke grond, waarover, en wanneer dat opnieuw bekeken wordt, binnen een jaar. Vastgelegd door een huisarts of specialist ouderengeneeskunde."
* insert English([[Legal representation]], [[Who decides where the patient cannot: on what ground, about what, and when it is reviewed, within a year. Recorded by a general practitioner or elderly care physician.]])
* insert AccessConsent
* provision.type = #permit
* provision.period 1..1
* provision.period.end 1..1 MS
* insert Say(provision.period.end, [[Opnieuw bekijken voor]], [[To be reviewed before]])
* obeys representation-1
* provision obeys representation-2
* provision.class MS
* insert Say(provision.class, [[De soorten gegevens waarover de vertegenwoordiger beslist]], [[The types of data about which the representative decides]])
* provision.action MS
* insert Say(provision.action, [[Met access en correct: alles wat de patiënt mag]], [[With access and correct: all that the patient may do]])
* provision.actor.role = $sct#310391000146105
* provision.actor.reference only Reference(RelatedPerson)

Profile: BreakGlassRecord
Parent: AuditEvent
Id: BreakGlassRecord
Title: "Noodinzage"
Description: "Dat iemand zonder deelname of toestemming een dossier opende, waarom en tot wanneer. Eén patiënt, één persoon, alleen lezen. Coördinator en patiënt horen het, en de privacy officer beoordeelt het. Een blokkade of weigering gaat altijd voor."
* insert English([[Break-glass record]], [[That somebody opened a record without participation or agreement, why and until when. One patient, one person, read-only. Coordinator and patient are told, and the privacy officer reviews it. A block or refusal always stands.]])
* extension contains
    AuditAuthorisation named authorisation 0..1 MS and
    AuditTreatmentRelation named treatmentRelation 0..1 MS and
    AuditConsent named consent 0..1 MS and
    AuditEmergency named emergency 1..1 MS
* extension[emergency].valueBoolean = true
* action MS
* period 1..1 MS
* period.start 1..1
* period.end 1..1
* insert Say(period, [[Zolang het dossier open is]], [[As long as the record is open]])
* recorded MS
* outcome MS
* purposeOfEvent 1..* MS
* purposeOfEvent ^slicing.discriminator.type = #value
* purposeOfEvent ^slicing.discriminator.path = "$this"
* purposeOfEvent ^slicing.rules = #open
* purposeOfEvent contains breakGlass 1..1 MS
* purposeOfEvent[breakGlass] = $v3-ActReason#BTG
* purposeOfEvent[breakGlass].text 1..1 MS
* insert Say(purposeOfEvent[breakGlass].text, [[De reden, in woorden]], [[The reason, in words]])
* agent MS
* agent.who 1..1 MS
* entity 1..* MS
* entity.what MS
* insert Say(entity.what, [[De patiënt]], [[The patient]])

Profile: HubAuditEvent
Parent: AuditEvent
Id: HubAuditEvent
Title: "Regel van het logboek"
Description: "Wie wat deed met wiens gegevens, wanneer, en door welke regel dat kon (NEN 7513). De hub maakt deze regels zelf; niemand verandert ze."
* insert English([[Line of the log]], [[Who did what with whose data, when, and by which rule they could (NEN 7513). The hub makes these itself; nobody changes them.]])
* extension contains
    AuditAuthorisation named authorisation 1..1 MS and
    AuditTreatmentRelation named treatmentRelation 1..1 MS and
    AuditConsent named consent 1..1 MS and
    AuditEmergency named emergency 1..1 MS
* subtype MS
* action 1..1 MS
* recorded MS
* outcome 1..1 MS
* agent MS
* agent.who MS
* agent.role MS
* agent.policy MS
* insert Say(agent.policy, [[De regel waardoor het kon]], [[The rule that let them]])
* source.site 1..1
* insert Say(source.site, [[De regio]], [[The tenant]])
* entity MS
* insert Say(entity, [[De patiënt, en wat er gezien of veranderd is]], [[The patient, and what was seen or changed]])

Profile: TreatmentDirective
Parent: Consent
Id: TreatmentDirective
Title: "Wilsverklaring of behandelgrens"
Description: "Wat iemand wel of niet meer wil. Beslist over behandelen, nooit over inzage. De vorm van nl-core kan ook; wat na een gesprek in de plaats van een eerdere kwam, staat bij die eerdere."
* insert English([[Advance directive or treatment limit]], [[What somebody wants, or wants no more. Decides about treating, never about access. The form of nl-core will do too; what took the place of an earlier one after a conversation stands with that earlier one.]])
* extension contains SupersededBy named supersededBy 0..1 MS
* status MS
* scope from DirectiveScopes (required)
* patient 1..1 MS
* dateTime MS
* performer MS
* provision 1..1 MS
* provision.type 1..1 MS
* provision.code MS
