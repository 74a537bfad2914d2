Invariant: task-1
Description: "Een taak 'vragenlijst' noemt in de invoer de vragenlijst als canonical. A questionnaire task names the questionnaire in its input as a canonical."
Expression: "code.coding.where(code = 'vragenlijst' and system.endsWith('/CodeSystem/task')).exists() implies input.value.ofType(canonical).exists()"
Severity: #error

Profile: PlanTask
Parent: Task
Id: PlanTask
Title: "Taak in een plan"
Description: "Wat de een aan de ander vraagt. Wie een taak aanneemt, doet mee in het plan. Zonder basedOn begint zij een plan. Aanvrager, eigenaar, plan, bovenliggende taak, patiënt en intentie liggen vast zodra zij gezet zijn. Voor het aannemen ziet een eigenaar die de patiënt niet kent alleen de kale verwijzing."
* insert English([[Task of a plan]], [[What one asks of another. Who accepts a task takes part in the plan. Without basedOn it starts a plan. Requester, owner, plan, parent task, patient and intent are fixed once set. Before acceptance an owner who does not know the patient sees the bare reference alone.]])
* obeys task-1
* extension contains DimensionExtension named dimension 0..1 MS
* basedOn MS
* basedOn only Reference(CarePlan or ServiceRequest)
* insert Say(basedOn, [[Het plan; ontbreekt bij de taak die een plan begint]], [[The plan; absent on the task that starts a plan]])
* partOf MS
* status MS
* statusReason MS
* statusReason from TaskReasons (extensible)
* businessStatus MS
* businessStatus from TriageUrgencies (extensible)
* insert Say(businessStatus, [[Urgentie in een wachtrij]], [[Urgency in a queue]])
* intent = #order
* priority MS
* insert Say(priority, [[stat alleen met een reden: spoed]], [[stat only with a reason: emergency]])
* code 1..1 MS
* code from TaskCodes (extensible)
* description MS
* focus MS
* for 1..1 MS
* for only Reference(Patient)
* insert Say(for, [[De patiënt; bij een nieuw plan mag het BSN alleen]], [[The patient; for a new plan the BSN alone will do]])
* executionPeriod MS
* authoredOn MS
* lastModified MS
* requester 1..1 MS
* owner 1..1 MS
* insert Say(owner, [[Wie het doet, of de wachtrij (HealthcareService)]], [[Who does it, or the queue (HealthcareService)]])
* reasonReference MS
* restriction MS
* restriction.period MS
* insert Say(restriction.period, [[Voor wanneer]], [[By when]])
* input MS
* input.type from TaskParts (extensible)
* output MS
* output.type from TaskParts (extensible)

Profile: PlanSubTask
Parent: PlanTask
Id: PlanSubTask
Title: "Deeltaak"
Description: "Wat de uitvoerder van een taak eerst nodig heeft, bijvoorbeeld een ingevulde vragenlijst. Een deeltaak verandert het team niet; beantwoorden maakt haar af."
* insert English([[Sub-task]], [[What the performer of a task needs first, for instance a completed questionnaire. A sub-task never changes the team; answering completes it.]])
* partOf 1..1 MS
* partOf only Reference(Task)

Profile: MeetingDecision
Parent: PlanTask
Id: MeetingDecision
Title: "Besluit van een overleg"
Description: "Wat in het multidisciplinair overleg is afgesproken: een taak met een eigenaar en een datum, met het overleg als reden."
* insert English([[Decision of a meeting]], [[What was agreed in the multidisciplinary meeting: a task with an owner and a date, with the meeting as its reason.]])
* basedOn 1..*
* code = TaskCode#mdo-besluit
* description 1..1
* reasonReference 1..1 MS
* reasonReference only Reference(Appointment)
* restriction 1..1
* restriction.period 1..1
* restriction.period.end 1..1 MS

Profile: ReferralTask
Parent: PlanTask
Id: ReferralTask
Title: "Verwijstaak buiten de zorg"
Description: "De taak waarmee een welzijnsorganisatie, gemeente of leefstijlcoach een verwijzing krijgt. Zij lezen alleen deze taak: wat zij nodig hebben staat in de invoer, wat eruit kwam in de uitvoer, die bij de uitkomsten van het plan komt."
* insert English([[Referral task outside health care]], [[The task by which a welfare organisation, municipality or lifestyle coach gets a referral. They read this task alone: what they need is in its input, what came of it in its output, which joins the plan's outcomes.]])
* code from ReferralCodes (required)
* focus only Reference(ServiceRequest or CarePlan)
* input 1..*

Profile: ReferralRequest
Parent: ServiceRequest
Id: ReferralRequest
Title: "Verwijzing naar leefstijl of sociaal domein"
Description: "Het verzoek zelf, in het plan: waarom welzijn, leefstijl of ondersteuning, en wat de patiënt ervan hoopt. Het blijft in het dossier; naar de andere kant gaat een verwijstaak."
* insert English([[Referral to lifestyle or social domain]], [[The request itself, in the plan: why welfare, lifestyle or support, and what the patient hopes of it. It stays in the record; a referral task goes to the other side.]])
* extension contains DimensionExtension named dimension 0..1 MS
* basedOn 1..* MS
* basedOn only Reference(CarePlan)
* status MS
* intent = #order
* code 1..1 MS
* code from ReferralCodes (required)
* subject only Reference(Patient)
* subject MS
* authoredOn 1..1 MS
* requester 1..1 MS
* performer MS
* reasonCode MS
* reasonReference MS
* note MS
* patientInstruction MS

Invariant: watch-1
Description: "Bij het aannemen staan een gewone grens, een spoedgrens, uren en een tekst bij spoed in de invoer. On acceptance the input has a routine band, an urgent band, hours and a text for urgent values."
Expression: "(status in ('draft' | 'requested' | 'received' | 'rejected' | 'cancelled')) or (input.where(type.coding.where(code = 'grens-gewoon').exists()).value.ofType(Range).exists() and input.where(type.coding.where(code = 'grens-spoed').exists()).value.ofType(Range).exists() and input.where(type.coding.where(code = 'uren').exists()).value.ofType(Timing).exists() and input.where(type.coding.where(code = 'tekst-spoed').exists()).value.ofType(string).exists())"
Severity: #error

Profile: HomeMonitoringTask
Parent: PlanTask
Id: HomeMonitoringTask
Title: "Thuismetingen bewaken"
Description: "Wie thuismetingen bewaakt (owner), wanneer (uren), tussen welke grenzen, en wat de patiënt hoort bij spoed. Een grens heeft naast de code van de invoer de LOINC-code van de meting. Grenzen en uren stelt een zorgverlener. Zonder zo'n aangenomen taak kijkt niemand."
* insert English([[Watch home measurements]], [[Who watches home measurements (owner), when (hours), between which bands, and what the patient hears when urgent. A band has, beside the code of the input, the LOINC code of the measurement. A professional sets bands and hours. Without such an accepted task nobody watches.]])
* obeys watch-1
* code = TaskCode#thuismeten
* owner only Reference(Practitioner or PractitionerRole or Organization)
* input 1..*

Profile: HomeReviewTask
Parent: Task
Id: HomeReviewTask
Title: "Meetwaarde beoordelen"
Description: "Wat de hub de eigenaar van een meettaak vraagt als een waarde buiten een grens ligt. Herhaalde gewone afwijkingen komen bij de open taak; een dringende waarde verhoogt de prioriteit."
* insert English([[Assess a measurement]], [[What the hub asks of the owner of a measuring task when a value lies outside a band. Repeated routine deviations join the open task; an urgent value raises its priority.]])
* code = TaskCode#meetwaarde-beoordelen
* intent = #order
* partOf 1..1 MS
* partOf only Reference(Task)
* priority 1..1 MS
* focus 1..1 MS
* focus only Reference(Observation)
* for 1..1 MS
* for only Reference(Patient)
* owner 1..1 MS
* authoredOn 1..1 MS
* input 1..* MS
* input.type from TaskParts (extensible)
* input.value[x] only Reference(Observation)

Profile: DevelopmentTask
Parent: Task
Id: DevelopmentTask
Title: "Taak van de praktijk zelf"
Description: "Wat binnen een organisatie gedaan wordt voor een eigen doel. Over de organisatie, nooit over een patiënt; aanvrager en eigenaar werken er."
* insert English([[Task of the practice itself]], [[What is done inside an organisation for a goal of its own. About the organisation, never about a patient; requester and owner work there.]])
* status MS
* intent MS
* code 1..1 MS
* code = TaskCode#verbeterplan
* description 1..1 MS
* focus MS
* focus only Reference(Goal)
* for 1..1 MS
* for only Reference(Organization)
* requester 1..1 MS
* owner 1..1 MS
* restriction.period MS

Invariant: right-1
Description: "Wie weigert, zegt waarom. Who refuses says why."
Expression: "(status in ('rejected' | 'failed')) implies statusReason.text.exists() or statusReason.coding.display.exists()"
Severity: #error

Profile: RecordRightTask
Parent: Task
Id: RecordRightTask
Title: "Verzoek over het eigen dossier"
Description: "De patiënt vraagt correctie, een eigen verklaring erbij of vernietiging. De hub brengt het bij de organisatie die het opschreef en zet de datum erop: een maand, bij vernietiging drie. Aannemen is toewijzen; weigeren heeft een reden; de patiënt hoort het."
* insert English([[Request about one's own record]], [[The patient asks for correction, an added statement or destruction. The hub brings it to the organisation that wrote it and sets the date: a month, three for destruction. Accepting is granting; refusing has a reason; the patient is told.]])
* obeys right-1
* status MS
* statusReason MS
* intent = #order
* code 1..1 MS
* code from RecordRightCodes (required)
* description 1..1 MS
* insert Say(description, [[Wat er niet klopt, erbij moet of weg moet]], [[What is not right, to be added, or to go]])
* focus MS
* insert Say(focus, [[Waarover het gaat; bij vernietiging mag het ontbreken: het hele dossier]], [[What it is about; may be absent for destruction: the whole record]])
* for 1..1 MS
* for only Reference(Patient)
* authoredOn MS
* requester 1..1 MS
* requester only Reference(Patient or RelatedPerson)
* owner 1..1 MS
* owner only Reference(Organization or Practitioner or PractitionerRole)
* restriction 1..1 MS
* restriction.period.end 1..1 MS
* output MS

Invariant: wishes-1
Description: "Wie het gesprek afsluit, noemt wat nu geldt en wanneer het opnieuw gevoerd wordt. Who closes the conversation names what holds now, and when it is held again."
Expression: "status = 'completed' implies (output.where(type.coding.where(code = 'wilsverklaring').exists()).exists() and output.where(type.coding.where(code = 'herzien-op').exists()).count() = 1)"
Severity: #error

Profile: TreatmentWishesTask
Parent: PlanTask
Id: TreatmentWishesTask
Title: "Gesprek over behandelwensen"
Description: "Een gesprek over wat iemand nog wil en niet meer wil. De uitvoer noemt de wilsverklaringen die gelden en de datum voor het volgende gesprek; eerdere over dezelfde behandeling, en die de uitvoer noemt, vervallen."
* insert English([[Conversation about treatment wishes]], [[A conversation about what somebody still wants and no longer wants. The output names the directives that hold and the date of the next conversation; earlier ones about the same treatment, and those that the output names, end.]])
* obeys wishes-1
* code = TaskCode#behandelwensen-gesprek
