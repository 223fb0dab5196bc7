"""Data sets: reading, fetching, drawing, splitting, previewing and preparing."""

from assay.data.catalogue import SourceInfo as SourceInfo
from assay.data.catalogue import sources as sources
from assay.data.dataset import AtHand as AtHand
from assay.data.dataset import Dataset as Dataset
from assay.data.examples import Split as Split
from assay.data.idx import write_idx as write_idx
from assay.data.loading import load as load
from assay.data.loading import overlap as overlap
from assay.data.preview import contact_sheet as contact_sheet
from assay.data.remote import fetch as fetch
from assay.data.spec import DataSpec as DataSpec
from assay.data.written import import_data as import_data
