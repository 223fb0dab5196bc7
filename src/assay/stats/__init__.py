"""What may be said of measured arms: paired differences, intervals, multiplicity, verdicts."""

from assay.stats.family import Family as Family
from assay.stats.family import FamilyName as FamilyName
from assay.stats.family import Pair as Pair
from assay.stats.family import compare_arms as compare_arms
from assay.stats.family import holm as holm
from assay.stats.mcnemar import McNemar as McNemar
from assay.stats.mcnemar import mcnemar as mcnemar
from assay.stats.means import Summary as Summary
from assay.stats.means import expected_maximum as expected_maximum
from assay.stats.means import summary as summary
from assay.stats.paired import Comparison as Comparison
from assay.stats.paired import compare as compare
from assay.stats.paired import rope_probabilities as rope_probabilities
from assay.stats.power import difference_power as difference_power
from assay.stats.power import equivalence_power as equivalence_power
from assay.stats.power import minimum_detectable_difference as minimum_detectable_difference
from assay.stats.power import sd_upper_bound as sd_upper_bound
from assay.stats.power import seeds_for_equivalence as seeds_for_equivalence
from assay.stats.power import seeds_for_halfwidth as seeds_for_halfwidth
from assay.stats.power import seeds_needed as seeds_needed
from assay.stats.verdict import Judgement as Judgement
from assay.stats.verdict import Verdict as Verdict
from assay.stats.verdict import verdict as verdict
