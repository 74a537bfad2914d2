RuleSet: ForExtension(path)
* ^context[+].type = #element
* ^context[=].expression = "{path}"

Extension: DimensionExtension
Id: dimension
Title: "Dimensie"
Description: "Bij welke dimensie een activiteit, taak, verzoek of vraag hoort. Doelen hebben er Goal.category voor."
* insert English([[Dimension]], [[The dimension an activity, task, request or question belongs to. Goals have Goal.category for it.]])
* insert ForExtension(CarePlan.activity)
* insert ForExtension(CarePlan.activity.detail)
* insert ForExtension(Task)
* insert ForExtension(ServiceRequest)
* insert ForExtension(List.entry)
* insert ForExtension(Questionnaire.item)
* value[x] only CodeableConcept
* value[x] 1..1
* value[x] from PositiveHealthDimensions (required)

Extension: ProgrammePart
Id: programme-part
Title: "Wat er in een bezoek gedaan wordt"
Description: "Een onderdeel van een bezoek, hoe vaak, en welke programma's erom vragen. Bezoeken van verschillende programma's worden er één."
* insert English([[What is done in a visit]], [[A part of a visit, how often, and which programmes ask for it. Visits of several programmes become one.]])
* insert ForExtension(CarePlan.activity.detail)
* extension contains code 1..1 and months 1..1 and programme 1..*
* extension[code].value[x] only CodeableConcept
* extension[code].value[x] 1..1
* extension[code].value[x] from PlanActivities (extensible)
* extension[months].value[x] only positiveInt
* extension[months].value[x] 1..1
* extension[programme].value[x] only canonical
* extension[programme].value[x] 1..1

Extension: ToDecide
Id: to-decide
Title: "Te beslissen"
Description: "Waar programma's of samengevoegde plannen elkaar tegenspreken: een mens beslist, en haalt dit dan weg."
* insert English([[To be decided]], [[Where programmes or merged plans contradict each other: a person decides, and then takes this away.]])
* insert ForExtension(CarePlan)
* insert ForExtension(CarePlan.activity.detail)
* value[x] only string
* value[x] 1..1

Extension: SupersededBy
Id: superseded-by
Title: "Vervangen door"
Description: "De wilsverklaring die na een gesprek in de plaats van deze kwam."
* insert English([[Superseded by]], [[The directive that took the place of this one after a conversation.]])
* insert ForExtension(Consent)
* value[x] only Reference(Consent)
* value[x] 1..1

Extension: MergedInto
Id: merged-into
Title: "Opgegaan in"
Description: "In welk plan dit plan is opgegaan, met wat nodig is om dat ongedaan te maken: de versies van beide plannen van ervoor, en de taken die meegingen."
* insert English([[Merged into]], [[The plan into which this one went, with what undoing it needs: the versions of both plans before, and the tasks that went along.]])
* insert ForExtension(CarePlan)
* extension contains plan 1..1 and before 1..1 and own 1..1 and task 0..* and member 0..*
* extension[plan].value[x] only Reference(CarePlan)
* extension[plan].value[x] 1..1
* extension[before].value[x] only id
* extension[before].value[x] 1..1
* extension[own].value[x] only id
* extension[own].value[x] 1..1
* extension[task].value[x] only Reference(Task)
* extension[task].value[x] 1..1
* extension[member].value[x] only Reference(Organization or Practitioner or PractitionerRole or RelatedPerson)
* extension[member].value[x] 1..1

Extension: PlanCoordinator
Id: plan-coordinator
Title: "Coördinator van het plan"
Description: "Staat er alleen als niemand coördinator is: de patiënt is gevraagd er een te kiezen."
* insert English([[Coordinator of the plan]], [[Is there only where nobody coordinates: the patient was asked to choose.]])
* insert ForExtension(CarePlan)
* value[x] only code
* value[x] 1..1
* valueCode = #none

Extension: AnswerBy
Id: answer-by
Title: "Antwoord gewenst voor"
Description: "Wanneer de zender van een bericht een antwoord hoopt te hebben."
* insert English([[Answer wished by]], [[When the sender of a message hopes to have an answer.]])
* insert ForExtension(Communication)
* value[x] only dateTime
* value[x] 1..1

Extension: ReadReceipt
Id: read-receipt
Title: "Gelezen"
Description: "Wie een bericht heeft gelezen, en wanneer."
* insert English([[Read]], [[Who has read a message, and when.]])
* insert ForExtension(Communication)
* extension contains reader 1..1 and time 1..1
* extension[reader].value[x] only Reference(Patient or Practitioner or PractitionerRole or RelatedPerson or Organization)
* extension[reader].value[x] 1..1
* extension[time].value[x] only instant
* extension[time].value[x] 1..1

Extension: SectionDate
Id: section-date
Title: "Datum van het onderdeel"
Description: "Wanneer de inhoud van dit onderdeel voor het laatst is vastgesteld of nagelopen."
* insert English([[Date of the section]], [[When the content of this section was last stated or reviewed.]])
* insert ForExtension(Composition.section)
* value[x] only dateTime
* value[x] 1..1

Extension: ConsentQueue
Id: consent-queue
Title: "Wachtrij waarvoor de toestemming geldt"
Description: "Een wachtrij als deelnemer aan een toestemming: wie de taak daar aanneemt, valt eronder. R4 kent HealthcareService niet als actor; de verwijzing zelf heeft dan alleen een display."
* insert English([[Queue that the consent covers]], [[A queue as the actor of a consent: who claims the task there is covered. R4 has no HealthcareService among the actors; the reference itself then has a display alone.]])
* insert ForExtension(Consent.provision.actor.reference)
* value[x] only Reference(HealthcareService)
* value[x] 1..1

RuleSet: AuditResult(english, description)
* insert English([[{english}]], [[{description}]])
* insert ForExtension(AuditEvent)
* value[x] only boolean
* value[x] 1..1

Extension: AuditAuthorisation
Id: audit-authorisation
Title: "Bevoegd"
Description: "NEN 7513: of de gebruiker in deze rol bevoegd was."
* insert AuditResult([[Authorised]], [[NEN 7513: whether the user was authorised in this role.]])

Extension: AuditTreatmentRelation
Id: audit-treatment-relation
Title: "Behandelrelatie"
Description: "NEN 7513: of er een behandelrelatie was."
* insert AuditResult([[Treatment relation]], [[NEN 7513: whether there was a treatment relation.]])

Extension: AuditConsent
Id: audit-consent
Title: "Toestemming"
Description: "NEN 7513: of de patiënt toestemming had gegeven."
* insert AuditResult([[Consent]], [[NEN 7513: whether the patient had consented.]])

Extension: AuditEmergency
Id: audit-emergency
Title: "Noodsituatie"
Description: "NEN 7513: of het dossier in nood is geopend."
* insert AuditResult([[Emergency]], [[NEN 7513: whether the record was opened in an emergency.]])

Extension: Watching
Id: watching
Title: "Of iemand kijkt"
Description: "Wat de hub bij een thuismeting zei: of iemand kijkt, en wie de patiënt nu belt. De hub schrijft het; het blijft staan."
* insert English([[Whether somebody watches]], [[What the hub said of a home measurement: whether somebody watches, and whom the patient calls now. The hub writes it; it stays.]])
* insert ForExtension(Observation)
* extension contains state 1..1 and text 1..1 and task 0..1
* extension[state].value[x] only code
* extension[state].value[x] 1..1
* extension[state].valueCode from WatchStates (required)
* extension[text].value[x] only string
* extension[text].value[x] 1..1
* extension[task].value[x] only Reference(Task)
* extension[task].value[x] 1..1

Extension: DraftExpiry
Id: draft-expiry
Title: "Hoe lang een concept geldt"
Description: "Hoe lang een begonnen antwoord op deze vragenlijst nog afgemaakt kan worden."
* insert English([[How long a draft is valid]], [[How long a response that was begun can still be completed.]])
* insert ForExtension(Questionnaire)
* value[x] only Duration
* value[x] 1..1

Extension: ExtractOnCompletion
Id: extract-on-completion
Title: "Verwerken bij afronden"
Description: "De hub past toe wat deze vragenlijst over gegevens uit antwoorden zegt, zodra een antwoord is afgerond, in dezelfde transactie. Alleen over dezelfde patiënt, en alleen wat de invuller zelf mag schrijven."
* insert English([[Extract on completion]], [[The hub applies what this questionnaire says of extraction once a response is completed, in the same transaction. About the same patient alone, and only what the author may write.]])
* insert ForExtension(Questionnaire)
* value[x] only boolean
* value[x] 1..1

Extension: AddedBy
Id: added-by
Title: "Wie het erop zette"
Description: "Wie een onderwerp op de agenda zette. De hub schrijft het."
* insert English([[Who put it there]], [[Who put a subject on the agenda. The hub writes it.]])
* insert ForExtension(List.entry)
* value[x] only Reference(Patient or Practitioner or PractitionerRole or RelatedPerson or Organization)
* value[x] 1..1

Extension: LabelReview
Id: label-review
Title: "Waarom verborgen, en tot wanneer"
Description: "Bij een label dat iets voor de patiënt verbergt: waarom, en wanneer dat opnieuw bekeken wordt, binnen zes maanden."
* insert English([[Why hidden, and until when]], [[On a label that hides something from the patient: why, and when that is looked at again, within six months.]])
* insert ForExtension(Coding)
* extension contains reason 1..1 and review 1..1
* extension[reason].value[x] only string
* extension[reason].value[x] 1..1
* extension[review].value[x] only date
* extension[review].value[x] 1..1

Extension: Subscriber
Id: subscriber
Title: "Voor wie een abonnement is"
Description: "Wie de berichten krijgt en het abonnement ziet, en niemand anders. De hub schrijft dit; wie een abonnement maakt, maakt het voor zichzelf."
* insert English([[Whom a subscription is for]], [[Who is notified and sees the Subscription, and nobody else. The hub writes this; who makes a Subscription makes it for themselves.]])
* insert ForExtension(Subscription)
* value[x] only Reference(Organization or Practitioner or Patient or RelatedPerson)
* value[x] 1..1
