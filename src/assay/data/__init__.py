"""Data sets: read, fetched or drawn; divided, previewed, prepared."""

from assay.data.catalogue import SourceInfo as SourceInfo
from assay.data.catalogue import sources as sources
from assay.data.dataset import Dataset as Dataset
from assay.data.dataset import DataSpec as DataSpec
from assay.data.dataset import Split as Split
from assay.data.dataset import load as load
from assay.data.dataset import overlap as overlap
from assay.data.prepare import prepare as prepare
from assay.data.preview import contact_sheet as contact_sheet
from assay.data.remote import fetch as fetch
