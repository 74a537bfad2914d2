// Search that R4 lacks and shared care asks for. Loaded into a tenant, they are indexed; until then they are draft.

RuleSet: Search(id, name, code, base, type, expression, description, inEnglish)
* insert Defined(SearchParameter, {id}, {name})
* status = #draft
* description = "{description}"
* insert InEnglish(description, [[{inEnglish}]])
* code = #{code}
* base = #{base}
* type = #{type}
* expression = "{expression}"

Instance: Task-due
InstanceOf: SearchParameter
Usage: #definition
Title: "Taken op termijn"
Description: "Voor wanneer de taak gevraagd is."
* insert Search(Task-due, TaskDue, due, Task, date, [[Task.restriction.period.end]], [[Voor wanneer de taak gevraagd is; due=lt en vandaag vindt wat te laat is.]], [[By when the task is wanted; due=lt and today finds what is overdue.]])

Instance: Goal-expressed-by
InstanceOf: SearchParameter
Usage: #definition
Title: "Doelen naar wie ze verwoordde"
Description: "Wie het doel verwoordde."
* insert Search(Goal-expressed-by, GoalExpressedBy, expressed-by, Goal, reference, [[Goal.expressedBy]], [[Wie het doel verwoordde.]], [[Who expressed the goal.]])
* target[0] = #Patient
* target[1] = #Practitioner
* target[2] = #PractitionerRole
* target[3] = #RelatedPerson

Instance: Goal-accepted-by
InstanceOf: SearchParameter
Usage: #definition
Title: "Doelen naar wie ze aannam"
Description: "Wie zich over het doel uitsprak."
* insert Search(Goal-accepted-by, GoalAcceptedBy, accepted-by, Goal, reference, [[Goal.extension.where(url = 'http://hl7.org/fhir/StructureDefinition/goal-acceptance').extension.where(url = 'individual').value.ofType(Reference)]], [[Wie zich over het doel uitsprak: aannemen, afwijzen of nog niet.]], [[Who spoke about the goal: accepting, declining or not yet.]])
* target[0] = #Patient
* target[1] = #Practitioner
* target[2] = #PractitionerRole
* target[3] = #RelatedPerson

Instance: CareTeam-role
InstanceOf: SearchParameter
Usage: #definition
Title: "Teams naar rol"
Description: "Een rol die in het team voorkomt."
* insert Search(CareTeam-role, CareTeamRole, role, CareTeam, token, [[CareTeam.participant.role]], [[Een rol die in het team voorkomt, of ooit voorkwam.]], [[A role that occurs in the team, or once did.]])

Instance: Observation-method-source
InstanceOf: SearchParameter
Usage: #definition
Title: "Scores naar bron"
Description: "Van wie een reeks is."
* insert Search(Observation-method-source, ObservationSource, source, Observation, token, [[Observation.method]], [[Van wie een reeks scores is: self, professional of carer.]], [[Whose series of scores it is: self, professional or carer.]])
