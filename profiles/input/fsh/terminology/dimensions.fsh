CodeSystem: PositiveHealthDimension
Id: positive-health-dimension
Title: "Dimensies van positieve gezondheid"
Description: "De zes kanten waaruit iemand naar de eigen gezondheid kijkt. Doelen, activiteiten en scores dragen ze als categorie of code. Een gesprekshulp, geen meetinstrument: er is geen totaal."
* insert Translated([[Dimensions of positive health]], [[The six sides from which a person looks at their own health. Goals, activities and scores carry them as category or code. An aid to conversation, not a measure of outcome: there is no total.]])
* insert Complete
* insert Concept([[lichaamsfuncties]], [[Lichaamsfuncties]], [[Bodily functions]], [[Hoe het lichaam werkt: zich gezond voelen, conditie, klachten en pijn, slapen, eten, volhouden, bewegen.]])
* insert Concept([[mentaal-welbevinden]], [[Mentaal welbevinden]], [[Mental well-being]], [[Hoe iemand denkt en zich voelt: onthouden, aandacht, zich uiten, opgewekt zijn, zichzelf aanvaarden, omgaan met verandering, grip.]])
* insert Concept([[zingeving]], [[Zingeving]], [[Meaningfulness]], [[Wat het leven richting geeft: zin, levenslust, idealen, vertrouwen, aanvaarden, dankbaarheid, blijven leren.]])
* insert Concept([[kwaliteit-van-leven]], [[Kwaliteit van leven]], [[Quality of life]], [[Hoe goed het leven is: genieten, geluk, lekker in het vel zitten, balans, veiligheid, wonen, rondkomen.]])
* insert Concept([[meedoen]], [[Meedoen]], [[Taking part]], [[Samen met anderen zijn: contacten, serieus genomen worden, samen dingen doen, steun, erbij horen, doen wat ertoe doet, belangstelling voor de samenleving.]])
* insert Concept([[dagelijks-functioneren]], [[Dagelijks functioneren]], [[Daily functioning]], [[De gewone dag: voor zichzelf zorgen, grenzen kennen, weten van gezondheid, de dag indelen, met geld omgaan, kunnen werken, hulp vragen.]])

ValueSet: PositiveHealthDimensions
Id: positive-health-dimension
Title: "Dimensies van positieve gezondheid"
Description: "Alle zes dimensies."
* insert English([[Dimensions of positive health]], [[All six dimensions.]])
* ^experimental = false
* include codes from system PositiveHealthDimension

CodeSystem: LifeArea
Id: life-area
Title: "Levensgebieden"
Description: "De vier gebieden waarover zorggroepen een ander gesprek voeren bij complexe zorg."
* insert Translated([[Life areas]], [[The four areas of the other conversation that care groups have in complex care.]])
* insert Complete
* insert Concept([[lichamelijk]], [[Lichamelijk]], [[Physical]], [[Het lichaam en wat het kan.]])
* insert Concept([[psychisch]], [[Psychisch]], [[Mental]], [[Denken, voelen en wat het leven zin geeft.]])
* insert Concept([[sociaal]], [[Sociaal]], [[Social]], [[De mensen om iemand heen.]])
* insert Concept([[maatschappelijk]], [[Maatschappelijk]], [[Societal]], [[Wonen, werk, geld en meedoen in de samenleving.]])

ValueSet: LifeAreas
Id: life-area
Title: "Levensgebieden"
Description: "Alle vier levensgebieden."
* insert English([[Life areas]], [[All four life areas.]])
* ^experimental = false
* include codes from system LifeArea

Instance: life-area-to-dimension
InstanceOf: ConceptMap
Usage: #definition
Title: "Van levensgebied naar dimensie"
Description: "Waar een onderwerp uit het gesprek over vier levensgebieden thuishoort in de zes dimensies."
* insert Defined(ConceptMap, life-area-to-dimension, LifeAreaToDimension)
* title = "Van levensgebied naar dimensie"
* insert InEnglish(title, [[From life area to dimension]])
* description = "Waar een onderwerp uit het gesprek over vier levensgebieden thuishoort in de zes dimensies. Elk gebied is ruimer dan de dimensies waarop het uitkomt: een mens kiest."
* insert InEnglish(description, [[Where a subject of the conversation about four life areas belongs among the six dimensions. Each area is wider than the dimensions it leads to: a person chooses.]])
* sourceCanonical = Canonical(LifeAreas)
* targetCanonical = Canonical(PositiveHealthDimensions)
* group[0].source = Canonical(LifeArea)
* group[0].target = Canonical(PositiveHealthDimension)
* group[0].element[0].code = #lichamelijk
* group[0].element[0].target[0].code = #lichaamsfuncties
* group[0].element[0].target[0].equivalence = #narrower
* group[0].element[0].target[0].comment = "Het lichaam zelf."
* group[0].element[0].target[1].code = #dagelijks-functioneren
* group[0].element[0].target[1].equivalence = #narrower
* group[0].element[0].target[1].comment = "Wat het lichaam in de gewone dag toelaat."
* group[0].element[1].code = #psychisch
* group[0].element[1].target[0].code = #mentaal-welbevinden
* group[0].element[1].target[0].equivalence = #narrower
* group[0].element[1].target[0].comment = "Denken en voelen."
* group[0].element[1].target[1].code = #zingeving
* group[0].element[1].target[1].equivalence = #narrower
* group[0].element[1].target[1].comment = "Wat het leven richting geeft."
* group[0].element[2].code = #sociaal
* group[0].element[2].target[0].code = #meedoen
* group[0].element[2].target[0].equivalence = #narrower
* group[0].element[2].target[0].comment = "De mensen om iemand heen."
* group[0].element[3].code = #maatschappelijk
* group[0].element[3].target[0].code = #meedoen
* group[0].element[3].target[0].equivalence = #narrower
* group[0].element[3].target[0].comment = "Meedoen in de samenleving."
* group[0].element[3].target[1].code = #kwaliteit-van-leven
* group[0].element[3].target[1].equivalence = #narrower
* group[0].element[3].target[1].comment = "Wonen, veiligheid en rondkomen."
* group[0].element[3].target[2].code = #dagelijks-functioneren
* group[0].element[3].target[2].equivalence = #narrower
* group[0].element[3].target[2].comment = "Werk en geldzaken."
